"""`genair eval`: protocols, groups, ranks, comparisons, and what it says to whoever reads the figures."""

import gzip
import json
from dataclasses import replace

import ir_measures
import numpy as np
import pytest
from ir_measures import MRR, Qrel, ScoredDoc, Success, nDCG

from genair.io.checkpoints import read_model, write_model
from genair_cli.main import main

FIGURES = ["metric", "k", "group", "value", "stderr", "ci_low", "ci_high", "users"]
PROTOCOL = ["split", "keep_seen", "negatives"]
COMPARED = ["against", "difference", "difference_low", "difference_high", "p"]


@pytest.fixture(scope="module")
def by_time(files, tmp_path_factory):
    """Return a model of ids, trained by the split by time."""
    model = tmp_path_factory.mktemp("time") / "time.h5"
    words = ("train", "-i", files.log, "--items", "id", "--split", "time", "--epochs", "3", "--dim", "8")
    assert main([*map(str, words), "-o", str(model), "-q"]) == 0
    return model


@pytest.fixture(scope="module")
def repeating(files, tmp_path_factory):
    """Return a log whose every second user had the last item before, and all users' histories."""
    histories = {}
    for line in files.log.read_bytes().splitlines():
        event = json.loads(line)
        histories.setdefault(event["user_id"], []).append(event)
    for place, own in enumerate(histories.values()):
        own.sort(key=lambda event: event["timestamp"])
        if place % 2:
            own[-1]["item_id"] = own[0]["item_id"]
    log = tmp_path_factory.mktemp("repeating") / "log.jsonl"
    log.write_text("".join(json.dumps(event) + "\n" for own in histories.values() for event in own))
    return log, {user: [event["item_id"] for event in own] for user, own in histories.items()}


def ranks_of(path):
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]


def value(result, metric, k, group="all", key="value"):
    assert result.status == 0, result.err
    rows = result.rows
    return next(row[key] for row in rows if (row["metric"], row["k"], row["group"]) == (metric, k, group))


def test_every_row_has_the_same_keys_and_says_the_protocol(run, files):
    result = run("eval", files.model, "-i", files.log)
    assert len(result.rows) == 72
    assert all(list(row) == [*FIGURES, *PROTOCOL] for row in result.rows)
    assert {tuple(row[key] for key in PROTOCOL) for row in result.rows} == {("last-two", False, None)}
    assert "split last-two, ranked among all of 40 items less those they had;" in result.err
    assert "left out" not in result.err
    assert {row["group"] for row in result.rows} == {"all", "tail", "popular", "short", "long"}
    for parts in (("tail", "popular"), ("short", "long")):
        users = [value(result, "hr", 5, group, "users") for group in parts]
        assert sum(users) == value(result, "hr", 5, key="users")


def test_figures_can_be_made_again_from_the_ranks_by_a_vetted_library(run, files, tmp_path):
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


def test_ranks_appear_whole_or_not_at_all(run, files, tmp_path):
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


def test_sampled_items_are_fixed_by_the_seed_whatever_the_model_and_the_batch(run, files, by_time, tmp_path):
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


def test_a_model_is_measured_by_the_split_it_was_trained_by(run, files, by_time):
    result = run("eval", by_time, "-i", files.log)
    assert {row["split"] for row in result.rows} == {"time"}
    assert "warning" not in result.err
    other = run("eval", by_time, "-i", files.log, "--split", "last-two")
    assert {row["split"] for row in other.rows} == {"last-two"}
    assert "time.h5 was trained with --split time: it may have learned from events" in other.err
    assert "last-two looks ahead: on average" in other.err
    assert value(result, "hr", 5, key="users") != value(other, "hr", 5, key="users")


def test_a_split_by_time_of_what_last_two_learned_is_warned_of(run, files):
    result = run("eval", files.model, "-i", files.log, "--split", "time")
    assert "model.h5 was trained with --split last-two" in result.err
    assert "vectors that were calibrated by --split last-two" in result.err
    assert "warning" not in run("eval", files.model, "-i", files.log, "--split", "time", "-q").err


def test_a_model_from_before_there_was_a_choice_is_one_of_last_two(run, files, tmp_path):
    model = read_model(files.model, "m")
    config = {key: value for key, value in model.config.items() if key != "split"}
    write_model(tmp_path / "old.h5", replace(model, config=config))
    result = run("eval", tmp_path / "old.h5", "-i", files.log)
    assert {row["split"] for row in result.rows} == {"last-two"}
    assert "was trained with" not in result.err


@pytest.mark.parametrize("times", [None, range(1, 5)])
def test_a_log_without_a_clock_cannot_be_split_by_time(run, files, tmp_path, times):
    items = read_model(files.model, "m").item_ids
    events = [
        {"user_id": f"u{user}", "item_id": items[(user + place) % 40]}
        | ({} if times is None else {"timestamp": times[place]})
        for user in range(30)
        for place in range(4)
    ]
    log = tmp_path / "log.jsonl"
    log.write_bytes(b"".join(json.dumps(event).encode() + b"\n" for event in events))
    run("eval", files.model, "-i", log, "--split", "time").fails(3, "use --split last-two")
    words = ("train", "-i", log, "--items", "id", "--split", "time", "-o", tmp_path / "m.h5")
    run(*words).fails(3, "use --split last-two")
    result = run("eval", files.model, "-i", log)
    assert result.status == 0
    assert "looks ahead" not in result.err, "there is nothing to measure it by"
    assert "model.h5 was trained on another log" in result.err


def test_events_of_items_that_the_user_had_are_ranked_when_asked_for(run, files, repeating, tmp_path):
    log, histories = repeating
    long = {user: own for user, own in histories.items() if len(own) >= 3}
    new = {user: own[-1] for user, own in long.items() if own[-1] not in own[:-1]}
    words = ("eval", files.model, "-i", log, "--ranks", tmp_path / "ranks.jsonl", "-f")
    result = run(*words)
    assert f"{len(long) - len(new)} of {len(long)} users are left out: what they had next is" in result.err
    assert {row["user_id"]: row["item_id"] for row in ranks_of(tmp_path / "ranks.jsonl")} == new
    kept = run(*words, "--keep-seen")
    assert "left out" not in kept.err
    assert "ranked among all of 40 items;" in kept.err
    rows = ranks_of(tmp_path / "ranks.jsonl")
    assert {row["user_id"]: row["item_id"] for row in rows} == {user: own[-1] for user, own in long.items()}
    assert {row["candidates"] for row in rows} == {40}
    run(*words, "--keep-seen", "--negatives", 5).fails(2, "--negatives", "need --no-keep-seen")


def test_a_model_is_measured_on_what_it_was_validated_on(run, repeating, tmp_path):
    words = ("train", "-i", repeating[0], "--items", "id", "--epochs", "2", "--dim", "8", "-o")
    made = [run(*words, tmp_path / "new.h5"), run(*words, tmp_path / "kept.h5", "--keep-seen")]
    assert [one.status for one in made] == [0, 0]
    assert made[0].err != made[1].err, "validation follows"
    for name, flag in (("new.h5", False), ("kept.h5", True)):
        model = read_model(tmp_path / name, "m")
        assert model.config.get("keep_seen", False) is flag
        for options, wanted in (((), flag), (("--keep-seen",), True), (("--no-keep-seen",), False)):
            result = run("eval", tmp_path / name, "-i", repeating[0], *options)
            assert {row["keep_seen"] for row in result.rows} == {wanted}
    run("eval", tmp_path / "kept.h5", "-i", repeating[0], "--negatives", 5).fails(2, "need --no-keep-seen")


def test_a_log_of_nothing_but_repeats_at_the_end_says_what_to_do(run, files, tmp_path):
    items = read_model(files.model, "m").item_ids
    log, again = tmp_path / "log.jsonl", "every event to predict is of an item that its user had before"
    log.write_text(
        "".join(
            json.dumps({"user_id": f"u{user}", "item_id": items[(user + place) % 40], "timestamp": time})
            + "\n"
            for user in range(30)
            for time, place in enumerate((0, 1, 2, 3, 0, 1))
        )
    )
    run("eval", files.model, "-i", log).fails(3, again, "only --keep-seen predicts these")
    train = ("train", "-i", log, "--items", "id", "--epochs", "1", "--dim", "8", "-o", tmp_path / "m.h5")
    run(*train).fails(3, again, "only --keep-seen predicts these")
    assert run(*train, "--keep-seen").status == 0
    assert run("eval", tmp_path / "m.h5", "-i", log).status == 0
    calibrate = ("calibrate", files.vectors, "-i", log, "--features", "20", "--dim", "8", "-o")
    assert run(*calibrate, tmp_path / "cal.h5").status == 0


def test_groups_follow_thresholds_and_quantiles(run, files):
    words = ("eval", files.model, "-i", files.log)
    found = run(*words)
    assert "popular items have" in found.err
    for option in (("--tail-below", 40), ("--tail-quantile", 0.4)):
        moved = run(*words, *option)
        assert value(moved, "hr", 5, "tail", "users") != value(found, "hr", 5, "tail", "users")
        assert value(moved, "hr", 5, "short", "users") == value(found, "hr", 5, "short", "users")
    for option in (("--short-below", 3), ("--short-quantile", 0.4)):
        moved = run(*words, *option)
        assert value(moved, "hr", 5, "short", "users") < value(found, "hr", 5, "short", "users")
        assert value(moved, "hr", 5, "tail", "users") == value(found, "hr", 5, "tail", "users")


def test_against_another_order_of_the_same_items_nothing_differs(run, files, tmp_path):
    model = read_model(files.model, "m")
    order = np.random.default_rng(0).permutation(40)
    moved = {
        name: weight[order] if name in ("items.vectors", "items.ids.weight") else weight
        for name, weight in model.weights.items()
    }
    ids = [model.item_ids[place] for place in order]
    write_model(tmp_path / "other.h5", replace(model, item_ids=ids, weights=moved))
    result = run("eval", files.model, "-i", files.log, "--against", tmp_path / "other.h5")
    assert all(list(row) == [*FIGURES, *COMPARED, *PROTOCOL] for row in result.rows)
    for row in result.rows:
        assert row["difference"] == pytest.approx(0, abs=1e-6)


def test_against_another_model_the_better_one_is_told_from_the_other(run, files, by_time, tmp_path):
    words = ("-i", files.log, "--split", "last-two", "--against")
    one = run("eval", files.model, *words, by_time)
    other = run("eval", by_time, *words, files.model)
    for mine, theirs in zip(one.rows, other.rows, strict=True):
        assert mine["value"] == pytest.approx(theirs["against"])
        assert mine["difference"] == pytest.approx(-theirs["difference"])
        assert (mine["p"] is None) == (theirs["p"] is None) == (mine["difference_low"] is None)
        if mine["p"] is not None:
            assert mine["p"] == pytest.approx(theirs["p"], abs=0.03)
            assert mine["difference_low"] <= mine["difference"] <= mine["difference_high"]
    assert "time.h5 was trained with --split time" in one.err


def test_against_a_model_that_does_not_know_the_items_is_refused(run, files, tmp_path):
    model = read_model(files.model, "m")
    write_model(tmp_path / "other.h5", replace(model, item_ids=[f"x{n}" for n in range(40)]))
    words = ("eval", files.model, "-i", files.log, "--against", tmp_path / "other.h5")
    run(*words).fails(3, "other.h5: does not know 40 items of the log, the first is ")
    run("eval", files.model, "-i", files.log, "--against", tmp_path / "none.h5").fails(
        1, "none.h5: no such file"
    )


def test_against_a_model_of_more_items_it_is_told(run, files, tmp_path):
    model = read_model(files.model, "m")
    more = {
        name: np.concatenate([weight, weight[:1]])
        if name in ("items.vectors", "items.ids.weight")
        else weight
        for name, weight in model.weights.items()
    }
    write_model(tmp_path / "other.h5", replace(model, item_ids=[*model.item_ids, "new"], weights=more))
    result = run("eval", files.model, "-i", files.log, "--against", tmp_path / "other.h5")
    assert "ranks among 40 items, " in result.err
    assert "other.h5 among 41, which are not the same" in result.err
    assert result.status == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--negatives", 0), "--negatives must be 1 or more, not 0"),
        (("--split", "random"), "unknown split 'random': choose from last-two, time"),
        (("--tail-quantile", 1), "--tail-quantile must be above 0 and below 1"),
        (("--tail-quantile", 0.5, "--tail-below", 3), "--tail-quantile does nothing beside --tail-below"),
        (("--short-quantile", 0.5, "--short-below", 3), "--short-quantile does nothing beside --short-below"),
        (("--force",), "--force needs --ranks"),
        (("--ranks", "-"), "--ranks needs a file"),
        (("--against", "-"), "only one input can be stdin"),
        (("--seed", -1), "--seed must be 0 or more"),
    ],
)
def test_settings_that_make_no_sense_are_refused(run, files, words, said):
    model = "-" if said.startswith("only") else files.model
    run("eval", model, "-i", files.log, *words).fails(2, said)
