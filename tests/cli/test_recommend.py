"""`genair recommend` from histories, pipes and logs: its lists, its words, and when they come."""

import gzip
import json
import os
import subprocess
from select import select

import numpy as np
import pytest
import torch

from genair.config import TrainConfig
from genair.io.checkpoints import ModelFile, write_model
from genair.io.embeddings import EmbeddingTable, write_table
from genair.models.base import build_recommender, weights_of

IDS = ["007", "7", " 7 ", str(2**60), "🙂", "a\u2028b", "日本語", *(f"item-{n}" for n in range(43))]
LAST = IDS[-1]
VECTORS = np.random.default_rng(0).normal(size=(len(IDS) + 2, 6)).astype(np.float32)
NEW = ["new", "0"]


def write(path, config, item_ids, vectors=None):
    """Write an untrained model, and return what scores the items after a history of ids."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        frozen = None if vectors is None else torch.from_numpy(vectors)
        model = build_recommender(config, len(item_ids), frozen).eval()
        if model.items.ids is not None:
            torch.nn.init.normal_(model.items.ids.weight)
    write_model(path, ModelFile(config.settings(), item_ids, weights_of(model), []))
    place = {item_id: index for index, item_id in enumerate(item_ids, start=1)}

    def score(history):
        padded = np.asarray([[place[item] for item in history][-config.max_length :]])
        return dict(zip(item_ids, model.scorer()(padded)[0].tolist(), strict=True))

    return score


class World:
    def __init__(self, folder):
        self.model = folder / "model.h5"
        self.score = write(self.model, TrainConfig(items="id", dim=8, max_length=4), IDS)

    def best(self, history, k=10, *, keep_seen=False):
        scores = self.score(history)
        left = [item for item in IDS if keep_seen or item not in history]
        return sorted(left, key=lambda item: -scores[item])[:k]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("world"))


def line(user_id, *item_ids, escaped=False):
    return json.dumps({"user_id": user_id, "item_ids": item_ids}, ensure_ascii=escaped).encode() + b"\n"


def lists(result):
    return [(row["user_id"], [item["item_id"] for item in row["items"]]) for row in result.rows]


HISTORIES = [
    ("007", ["007"]),
    ("🙂", ["7", " 7 ", "7"]),
    ("a\u2028b", ["a\u2028b", "日本語", "🙂"]),
    (str(2**60), [str(2**60), *IDS[10:20]]),
    ("007", IDS[20:]),
    ("everything but one", IDS[:-1]),
]
LINES = b"".join(line(user_id, *item_ids) for user_id, item_ids in HISTORIES)


@pytest.mark.parametrize("k", [1, 10, 49, 50, 1000])
@pytest.mark.parametrize("flags", [(), ("--keep-seen",)])
def test_every_line_is_answered_in_order_with_the_best_items(run, world, k, flags):
    result = run("recommend", world.model, "-k", k, *flags, stdin=LINES)
    assert result.status == 0, result.err
    wanted = [(user, world.best(history, k, keep_seen=bool(flags))) for user, history in HISTORIES]
    assert lists(result) == wanted
    assert "6 users, 0 skipped" in result.err


def test_scores_are_the_model_s_and_fall(run, world):
    rows = run("recommend", world.model, stdin=LINES).rows
    for row, (_, history) in zip(rows, HISTORIES, strict=True):
        scores = world.score(history)
        found = [item["score"] for item in row["items"]]
        assert found == sorted(found, reverse=True)
        np.testing.assert_allclose(found, [scores[item["item_id"]] for item in row["items"]], atol=1e-5)
    assert list(rows[0]) == ["user_id", "items"]
    assert list(rows[0]["items"][0]) == ["item_id", "score"]


def test_the_last_item_is_recommended_and_a_lone_one_left(run, world):
    rows = dict(lists(run("recommend", world.model, "-k", 50, stdin=LINES)))
    assert rows["everything but one"] == [LAST]
    assert LAST in rows["🙂"]


@pytest.mark.parametrize(
    "content",
    [
        LINES,
        b"\xef\xbb\xbf" + LINES,
        LINES.replace(b"\n", b"\r\n"),
        LINES.replace(b"\n", b"\n\n \n"),
        LINES[:-1],
        b"".join(line(user_id, *item_ids, escaped=True) for user_id, item_ids in HISTORIES),
    ],
    ids=["plain", "bom", "crlf", "blank", "no-last-line-feed", "escaped"],
)
@pytest.mark.parametrize("way", ["file", "gzip", "stdin", "dash"])
def test_however_lines_come_the_answer_is_the_same(run, world, tmp_path, content, way):
    wanted = run("recommend", world.model, stdin=LINES).out
    path = tmp_path / ("h.jsonl.gz" if way == "gzip" else "h.jsonl")
    path.write_bytes(gzip.compress(content) if way == "gzip" else content)
    operand = {"stdin": (), "dash": ("-",)}.get(way, (path,))
    result = run("recommend", world.model, *operand, stdin=content)
    assert (result.status, result.out) == (0, wanted)


def test_output_goes_to_a_file_whole_and_gzip_by_name(run, world, tmp_path):
    wanted = run("recommend", world.model, stdin=LINES).out
    for name in ("r.jsonl", "r.jsonl.gz"):
        path = tmp_path / name
        result = run("recommend", world.model, "-o", path, stdin=LINES)
        assert (result.status, result.out) == (0, b"")
        content = path.read_bytes()
        assert (gzip.decompress(content) if name.endswith("gz") else content) == wanted
        run("recommend", world.model, "-o", path, stdin=LINES).fails(1, "exists already")
        assert run("recommend", world.model, "-o", path, "--force", stdin=LINES).status == 0
        assert path.read_bytes() == content
    bad = tmp_path / "bad.jsonl"
    run("recommend", world.model, "-o", bad, stdin=LINES + b"{").fails(3, "stdin:7")
    assert not bad.exists()
    run("recommend", world.model, "-o", "/dev/full", stdin=LINES).fails(1, "No space left")


def test_unknown_items_are_left_out_counted_and_named(run, world):
    strange = ["x", "y", "07", "7 ", "x", "z", "v", "w"]
    result = run("recommend", world.model, stdin=line("u", "7", *strange[:3], "🙂", *strange[3:]) + LINES)
    assert result.status == 0
    assert lists(result)[0] == ("u", world.best(["7", "🙂"]))
    said = "8 events of items that the model does not know were left out, first 'x', 'y', '07', '7 ', 'z'\n"
    assert f"genair recommend: warning: {said}" in result.err


@pytest.mark.parametrize("history", [[], ["x", "y"]])
def test_a_user_without_known_items_is_an_error_or_gets_an_empty_list(run, world, history):
    content = line("u", "7") + line("nobody", *history) + line("v", "🙂")
    result = run("recommend", world.model, stdin=content)
    assert result.status == 3
    assert "genair recommend: error: stdin:2: the model knows no item of user 'nobody'; --on-er" in result.err
    assert lists(result) == [("u", world.best(["7"]))]
    result = run("recommend", world.model, "--on-error", "skip", stdin=content)
    assert result.status == 4
    assert lists(result) == [("u", world.best(["7"])), ("nobody", []), ("v", world.best(["🙂"]))]
    assert "skipped stdin:2: the model knows no item of user 'nobody'" in result.err


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (b"{oops\n", ["broken JSON"]),
        (b"[1]\n", ["expected a JSON object"]),
        (b'{"user_id": "u"}\n', ["missing field 'item_ids'"]),
        (b'{"user_id": "u", "item_ids": [7]}\n', ["item_ids[0] is the number 7"]),
        (b'{"user_id": 7, "item_ids": ["7"]}\n', ["user_id is the number 7"]),
        (b'{"item_ids": ["7"]}\n', ["missing field 'user_id'"]),
        (b'{"user_id": "u", "item_ids": ["7\xff"]}\n', ["broken JSON"]),
    ],
)
def test_a_bad_line_is_named_and_stops_or_is_skipped(run, world, bad, words):
    content = line("u", "7") + bad + line("v", "🙂")
    result = run("recommend", world.model, stdin=content)
    assert result.status == 3
    for word in ["genair recommend: error: stdin:2: ", *words]:
        assert word in result.err
    assert [user for user, _ in lists(result)] == ["u"]
    result = run("recommend", world.model, "--on-error", "skip", stdin=content)
    assert result.status == 4
    assert [user for user, _ in lists(result)] == ["u", "v"]
    assert "skipped stdin:2: " in result.err


def test_a_torn_last_line_is_called_so_and_the_rest_is_answered(run, world):
    result = run("recommend", world.model, stdin=LINES + b'{"user_id": "u", "item_')
    assert result.status == 3
    assert "stdin:7: broken JSON" in result.err
    assert "the last line seems cut off" in result.err
    assert len(result.rows) == 6


def test_only_the_first_five_skipped_are_named_and_all_counted(run, world):
    result = run("recommend", world.model, "--on-error", "skip", stdin=b"{\n" * 9 + LINES)
    assert result.err.count("skipped stdin:") == 5
    assert "6 users, 9 skipped" in result.err


def test_what_is_skipped_can_go_to_a_file(run, world, tmp_path):
    errors = tmp_path / "bad.jsonl"
    words = ("recommend", world.model, "--errors", errors)
    content = line("u", "7") + b"{oops\n" + line("nobody", "x")
    result = run(*words, "--on-error", "skip", stdin=content)
    assert (result.status, len(result.rows)) == (4, 2)
    assert "skipped stdin" not in result.err
    kept = [json.loads(one) for one in errors.read_text().split("\n") if one]
    assert [(one["where"], one["line"]) for one in kept] == [
        ("stdin:2", "{oops\n"),
        ("stdin:3", {"user_id": "nobody", "item_ids": ["x"]}),
    ]
    run(*words, "--force", stdin=content).fails(2, "--errors needs --on-error skip")
    both = ("--on-error", "skip", "--force", "-o", errors)
    run(*words, *both, stdin=content).fails(2, "two outputs are")


def test_no_input_is_no_output(run, world):
    result = run("recommend", world.model, stdin=b"")
    assert (result.status, result.out) == (0, b"")
    assert "0 users" in result.err


EVENTS = [("u", "7", 3), ("v", "🙂", 1), ("u", "007", 1), ("v", "x", 2), ("w", LAST, 5)]


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log.jsonl"
    rows = ({"user_id": user, "item_id": item, "timestamp": time} for user, item, time in EVENTS)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_every_user_of_a_log_is_served_in_order_of_appearance(run, world, log):
    result = run("recommend", world.model, "-i", log)
    assert result.status == 0, result.err
    histories = {"u": ["007", "7"], "v": ["🙂"], "w": [LAST]}
    assert lists(result) == [(user, world.best(history)) for user, history in histories.items()]
    assert "1 events of items that the model does not know were left out, first 'x'" in result.err
    lines = b"".join(line(user, *history) for user, history in histories.items())
    assert run("recommend", world.model, stdin=lines).out == result.out


def test_named_users_of_a_log_alone_are_served(run, world, log):
    result = run("recommend", world.model, "-i", log, "--user", "w", "--user", "u")
    assert lists(result) == [("w", world.best([LAST])), ("u", world.best(["007", "7"]))]
    assert "warning" not in result.err
    run("recommend", world.model, "-i", log, "--user", "z").fails(3, "log.jsonl: has no events of user 'z'")


@pytest.fixture
def items(tmp_path):
    path = tmp_path / "items.jsonl"
    rows = [{"item_id": item, "title": f"The {item}", "n": n} for n, item in enumerate(IDS)]
    path.write_text("".join(json.dumps(row) + "\n" for row in reversed(rows)))
    return path


def test_fields_of_a_catalogue_come_with_the_items(run, world, items):
    plain = run("recommend", world.model, stdin=LINES).rows
    result = run("recommend", world.model, "--join", items, "--fields", "n, title", stdin=LINES)
    assert result.status == 0, result.err
    for row, before in zip(result.rows, plain, strict=True):
        for item, was in zip(row["items"], before["items"], strict=True):
            assert list(item) == ["item_id", "score", "n", "title"]
            assert item == {**was, "title": f"The {was['item_id']}", "n": IDS.index(was["item_id"])}


def test_a_catalogue_that_lacks_items_is_refused_or_does_without(run, world, items):
    items.write_bytes(b"".join(items.read_bytes().splitlines(keepends=True)[:-3]))
    words = ("recommend", world.model, "--join", items, "--fields", "title")
    run(*words, stdin=LINES).fails(3, "items.jsonl: lacks 3 items of the model, first '007', '7', ' 7 '")
    result = run(*words, "--on-error", "skip", "-k", 50, stdin=LINES)
    assert result.status == 4
    without = {item["item_id"] for row in result.rows for item in row["items"] if "title" not in item}
    assert without == set(IDS[:3])
    run(*words[:-1], "titel", stdin=LINES).fails(3, "no item of the model has the field 'titel'")


def test_new_items_are_recommended_by_their_vectors(run, tmp_path):
    model, vectors = tmp_path / "text.h5", tmp_path / "new.h5"
    write(model, TrainConfig(items="text", dim=8), IDS, VECTORS[: len(IDS)])
    everything = [*IDS, *NEW]
    write_table(vectors, EmbeddingTable(everything, VECTORS, []))
    content = line("u", *IDS[:48])
    assert {item for _, found in lists(run("recommend", model, stdin=content)) for item in found} == set(
        IDS[48:]
    )
    result = run("recommend", model, "--vectors", vectors, stdin=content)
    assert result.status == 0, result.err
    assert {item for _, found in lists(result) for item in found} == {*IDS[48:], *NEW}
    assert "2 items of" in result.err
    assert dict(lists(run("recommend", model, "--vectors", vectors, stdin=line("u", "new"))))["u"]
    assert "does not know" in run("recommend", model, stdin=line("u", "7", "new")).err


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
    run("recommend", world.model, *words, stdin=LINES).fails(2, said)


def test_a_model_is_needed_and_must_be_one(run, world, tmp_path):
    run("recommend").fails(2, "MODEL.h5")
    run("recommend", "-").fails(2, "only one input can be stdin")
    run("recommend", tmp_path / "no.h5", stdin=LINES).fails(1, "no.h5: no such file")
    run("recommend", world.model, tmp_path / "no.jsonl").fails(1, "no.jsonl: no such file")
    (tmp_path / "h.jsonl").write_bytes(LINES)
    run("recommend", tmp_path / "h.jsonl", tmp_path / "h.jsonl").fails(3, "h.jsonl", "not an HDF5 file")


def test_a_model_can_come_by_a_pipe(run, world, tmp_path):
    (tmp_path / "h.jsonl").write_bytes(LINES)
    result = run("recommend", "-", tmp_path / "h.jsonl", stdin=world.model.read_bytes())
    assert lists(result) == lists(run("recommend", world.model, stdin=LINES))


def test_batches_change_no_list(run, world):
    wanted = lists(run("recommend", world.model, stdin=LINES))
    assert lists(run("recommend", world.model, "--batch-size", 1, stdin=LINES)) == wanted


@pytest.mark.slow
def test_each_user_is_answered_before_the_next_line_is_sent(start, world, monkeypatch):
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # which would flush for us
    command = start("recommend", world.model, stdout=subprocess.PIPE)
    for user_id, history in HISTORIES:
        text = line(user_id, *history)
        command.feed(text[:9])
        command.feed(text[9:])
        assert select([command.stdout], [], [], 120)[0]
        row = json.loads(command.stdout.readline())
        assert (row["user_id"], [item["item_id"] for item in row["items"]]) == (user_id, world.best(history))
    assert command.poll() is None
    assert "6 users" in command.ends(0)


@pytest.mark.slow
def test_histories_and_answers_go_through_fifos(start, world, tmp_path):
    for name in ("in", "out"):
        os.mkfifo(tmp_path / name)
    command = start("recommend", world.model, "in", "-o", "out")
    with (tmp_path / "out").open("rb") as answers, (tmp_path / "in").open("wb", buffering=0) as pen:
        for user_id, history in HISTORIES:
            pen.write(line(user_id, *history))
            assert json.loads(answers.readline())["user_id"] == user_id
    command.ends(0)


@pytest.mark.slow
def test_a_reader_that_leaves_early_ends_an_endless_stream_with_0(start, world):
    command = start("recommend", world.model, stdout=subprocess.PIPE, bufsize=0)
    command.feed(LINES)
    command.stdout.readline()
    command.stdout.close()
    while command.poll() is None:
        try:
            command.feed(LINES)
        except BrokenPipeError:
            break
    assert command.wait(timeout=60) == 0
    assert b"error" not in command.stderr.read().lower()


@pytest.mark.slow
def test_the_same_file_gives_the_same_bytes(start, world, tmp_path):
    rng = np.random.default_rng(0)
    lines = [line(f"u{n}", *rng.choice(IDS, rng.integers(1, 30))) for n in range(3000)]
    (tmp_path / "h.jsonl").write_bytes(b"".join(lines))
    for name in ("one", "two"):
        start("recommend", world.model, "h.jsonl", "-o", name).ends(0)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert (tmp_path / "one").read_bytes().count(b"\n") == 3000
