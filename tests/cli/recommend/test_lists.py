"""`genair recommend`: what it lists, of which items, and what it refuses to be asked for."""

import json

import numpy as np
import pytest

from genair.config import TrainConfig
from genair.io.embeddings import EmbeddingTable, write_table

NEW = ["new", "0"]


@pytest.mark.parametrize("k", [1, 10, 49, 50, 1000])
@pytest.mark.parametrize("flags", [(), ("--keep-seen",)])
def test_every_line_is_answered_in_order_with_the_best_items(run, world, k, flags):
    result = run("recommend", world.model, "-k", k, *flags, stdin=world.lines)
    assert result.status == 0, result.err
    wanted = [(user, world.best(history, k, keep_seen=bool(flags))) for user, history in world.histories]
    assert world.lists(result) == wanted
    assert "6 users, 0 skipped" in result.err


def test_scores_are_the_model_s_and_fall(run, world):
    rows = run("recommend", world.model, stdin=world.lines).rows
    for row, (_, history) in zip(rows, world.histories, strict=True):
        scores = world.score(history)
        found = [item["score"] for item in row["items"]]
        assert found == sorted(found, reverse=True)
        np.testing.assert_allclose(found, [scores[item["item_id"]] for item in row["items"]], atol=1e-5)
    assert list(rows[0]) == ["user_id", "items"]
    assert list(rows[0]["items"][0]) == ["item_id", "score"]


def test_the_last_item_is_recommended_and_a_lone_one_left(run, world):
    rows = dict(world.lists(run("recommend", world.model, "-k", 50, stdin=world.lines)))
    assert rows["everything but one"] == [world.last]
    assert world.last in rows["🙂"]


def test_batches_change_no_list(run, world):
    wanted = world.lists(run("recommend", world.model, stdin=world.lines))
    assert world.lists(run("recommend", world.model, "--batch-size", 1, stdin=world.lines)) == wanted


@pytest.fixture
def items(tmp_path, world):
    path = tmp_path / "items.jsonl"
    rows = [{"item_id": item, "title": f"The {item}", "n": n} for n, item in enumerate(world.ids)]
    path.write_text("".join(json.dumps(row) + "\n" for row in reversed(rows)))
    return path


def test_fields_of_a_catalogue_come_with_the_items(run, world, items):
    plain = run("recommend", world.model, stdin=world.lines).rows
    result = run("recommend", world.model, "--join", items, "--fields", "n, title", stdin=world.lines)
    assert result.status == 0, result.err
    for row, before in zip(result.rows, plain, strict=True):
        for item, was in zip(row["items"], before["items"], strict=True):
            assert list(item) == ["item_id", "score", "n", "title"]
            assert item == {**was, "title": f"The {was['item_id']}", "n": world.ids.index(was["item_id"])}


def test_a_catalogue_that_lacks_items_is_refused_or_does_without(run, world, items):
    items.write_bytes(b"".join(items.read_bytes().splitlines(keepends=True)[:-3]))
    words = ("recommend", world.model, "--join", items, "--fields", "title")
    run(*words, stdin=world.lines).fails(
        3, "items.jsonl: lacks 3 items of the model, first '007', '7', ' 7 '"
    )
    result = run(*words, "--on-error", "skip", "-k", 50, stdin=world.lines)
    assert result.status == 4
    without = {item["item_id"] for row in result.rows for item in row["items"] if "title" not in item}
    assert without == set(world.ids[:3])
    run(*words[:-1], "titel", stdin=world.lines).fails(3, "no item of the model has the field 'titel'")


def test_new_items_are_recommended_by_their_vectors(run, tmp_path, world):
    model, vectors = tmp_path / "text.h5", tmp_path / "new.h5"
    everything = [*world.ids, *NEW]
    table = np.random.default_rng(0).normal(size=(len(everything), 6)).astype(np.float32)
    world.write(model, TrainConfig(items="text", dim=8), world.ids, table[: len(world.ids)])
    write_table(vectors, EmbeddingTable(everything, table, []))
    content = world.line("u", *world.ids[:48])
    assert {
        item for _, found in world.lists(run("recommend", model, stdin=content)) for item in found
    } == set(world.ids[48:])
    result = run("recommend", model, "--vectors", vectors, stdin=content)
    assert result.status == 0, result.err
    assert {item for _, found in world.lists(result) for item in found} == {*world.ids[48:], *NEW}
    assert "2 items of" in result.err
    assert dict(world.lists(run("recommend", model, "--vectors", vectors, stdin=world.line("u", "new"))))["u"]
    assert "does not know" in run("recommend", model, stdin=world.line("u", "7", "new")).err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-k", "0"), "-k must be 1 or more"),
        (("--batch-size", "0"), "'--batch-size': Input should be greater than or equal to 1"),
        (("--user", "u"), "--user needs --interactions"),
        (("h.jsonl", "-i", "log.jsonl"), "name one of them"),
        (("--fields", "title"), "--join and --fields need each other"),
        (("--join", "items.jsonl"), "--join and --fields need each other"),
        (("--join", "-", "--fields", "title"), "only one input can be stdin"),
        (("--join", "items.jsonl", "--fields", "score"), "--fields cannot name score"),
        (("--device", "abacus"), "device 'abacus'"),
    ],
)
def test_wrong_usage_exits_2(run, world, items, monkeypatch, words, said):
    monkeypatch.chdir(items.parent)
    run("recommend", world.model, *words, stdin=world.lines).fails(2, said)


def test_a_model_is_needed_and_must_be_one(run, world, tmp_path):
    run("recommend").fails(2, "MODEL.h5")
    run("recommend", "-").fails(2, "only one input can be stdin")
    run("recommend", tmp_path / "no.h5", stdin=world.lines).fails(1, "no.h5: no such file")
    run("recommend", world.model, tmp_path / "no.jsonl").fails(1, "no.jsonl: no such file")
    (tmp_path / "h.jsonl").write_bytes(world.lines)
    run("recommend", tmp_path / "h.jsonl", tmp_path / "h.jsonl").fails(3, "h.jsonl", "not an HDF5 file")


def test_items_they_had_come_again_as_the_model_was_trained_unless_told(run, world, tmp_path):
    config = TrainConfig(items="id", dim=8, max_length=4, keep_seen=True)
    world.write(tmp_path / "again.h5", config, world.ids)
    for flags, again in (((), True), (("--no-keep-seen",), False), (("--keep-seen",), True)):
        lists = world.lists(run("recommend", tmp_path / "again.h5", "-k", 50, *flags, stdin=world.lines))
        pairs = zip(lists, world.histories, strict=True)
        assert any(set(items) & set(had) for (_, items), (_, had) in pairs) is again
