"""`genair eval --ranks` and `--negatives`: each user's rank, among all items and among sampled ones."""

import gzip
import json
import subprocess

import ir_measures
import pytest
from ir_measures import MRR, Qrel, ScoredDoc, Success, nDCG

from genair.io.checkpoints import read_model


def test_figures_can_be_made_again_from_the_ranks_by_a_vetted_library(run, files, tmp_path, value, ranks_of):
    ranks = tmp_path / "ranks.jsonl"
    result = run("eval", files.model, "-i", files.log, "--ranks", ranks)
    found = [row for row in ranks_of(ranks) if row["rank"] == int(row["rank"])]  # no library has half ranks
    assert len(found) == value(result, "hr", 5, key="users")
    judged = [Qrel(row["user_id"], "target", 1) for row in found]
    listed = [
        ScoredDoc(row["user_id"], "target" if place == row["rank"] else f"other {place}", -float(place))
        for row in found
        for place in range(1, row["candidates"] + 1)
    ]
    theirs = ir_measures.calc_aggregate([Success @ 10, nDCG @ 10, nDCG @ 20, MRR @ 50], judged, listed)
    assert value(result, "hr", 10) == pytest.approx(theirs[Success @ 10])
    assert value(result, "ndcg", 10) == pytest.approx(theirs[nDCG @ 10])
    assert value(result, "ndcg", 20) == pytest.approx(theirs[nDCG @ 20])
    assert value(result, "mrr", 50) == pytest.approx(theirs[MRR @ 50])


def test_the_ranks_are_of_each_user_s_last_event_the_last_user_s_too(run, files, tmp_path):
    ranks = tmp_path / "ranks.jsonl.gz"
    assert run("eval", files.model, "-i", files.log, "--ranks", ranks).status == 0
    rows = [json.loads(line) for line in gzip.decompress(ranks.read_bytes()).split(b"\n") if line]
    log = [json.loads(line) for line in files.log.read_bytes().split(b"\n") if line]
    histories = {}
    for event in sorted(log, key=lambda event: event["timestamp"]):
        histories.setdefault(event["user_id"], []).append(event["item_id"])
    assert {row["user_id"]: row["item_id"] for row in rows} == {
        user: items[-1] for user, items in histories.items() if len(items) >= 3
    }, "nobody has an item again"
    for row in rows:
        own = histories[row["user_id"]]
        assert list(row) == ["user_id", "item_id", "rank", "candidates", "item_events", "user_events"]
        assert row["user_events"] == len(own) - 2
        assert row["candidates"] == 40 - len(set(own[:-1]))
        assert 1 <= row["rank"] <= row["candidates"]


def test_ranks_appear_whole_or_not_at_all(run, files, tmp_path, ranks_of):
    ranks = tmp_path / "ranks.jsonl"
    words = ("eval", files.model, "-i", files.log, "--ranks", ranks)
    run(*words, "--negatives", 39).fails(2, "--negatives 39 is too many")
    assert list(tmp_path.iterdir()) == []
    ranks.write_text("mine")
    run(*words).fails(1, "ranks.jsonl: exists already: use --force")
    run(*words, "--force", "--negatives", 39).fails(2, "too many")
    assert ranks.read_text() == "mine"
    assert run(*words, "--force").status == 0
    assert len(ranks_of(ranks)) > 100


def test_sampled_items_are_fixed_by_the_seed_whatever_the_model_and_the_batch(
    run, files, by_time, tmp_path, ranks_of
):
    def ranks(model, *words):
        path = tmp_path / "ranks.jsonl"
        result = run(
            "eval",
            model,
            "-i",
            files.log,
            "--split",
            "last-two",
            "--ranks",
            path,
            "-f",
            "--negatives",
            *words,
        )
        assert result.status == 0, result.err
        assert {row["negatives"] for row in result.rows} == {words[0]}
        assert f"ranked among {words[0]} sampled items" in result.err
        return [(row["user_id"], row["rank"], row["candidates"]) for row in ranks_of(path)]

    found = ranks(files.model, 10)
    assert {candidates for _, _, candidates in found} == {11}
    assert ranks(files.model, 10, "--batch-size", 7) == found
    assert ranks(files.model, 10, "--seed", 1) != found
    assert ranks(by_time, 10) != found
    assert ranks(files.model, 5) != found


def test_a_model_of_ids_alone_is_asked_for_the_same_sampled_items(run, files, by_time):
    """Its catalogue has another order: that of the log's ids."""
    assert list(read_model(by_time, "m").item_ids) != list(read_model(files.model, "m").item_ids)
    words = ("-i", files.log, "--split", "last-two", "--negatives", 10)
    alone = run("eval", by_time, *words)
    beside = run("eval", files.model, *words, "--against", by_time)
    assert [row["value"] for row in alone.rows] == pytest.approx([row["against"] for row in beside.rows])


@pytest.mark.slow
def test_a_reader_of_the_ranks_that_leaves_takes_no_figure_along(start, files, unread):
    """In a process of its own: typer ends the process on a broken pipe that reaches it."""
    command = start("eval", files.model, "-i", files.log, "--ranks", unread, stdout=subprocess.PIPE)
    assert len(command.stdout.read().split(b"\n")) == 73
    command.ends(0)
