"""`genair eval`: which events it predicts, by the split and whether the user had the item before."""

import json
from dataclasses import replace

import pytest

from genair.io.checkpoints import read_model, write_model


def test_a_model_is_measured_by_the_split_it_was_trained_by(run, files, by_time, value):
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


def test_events_of_items_that_the_user_had_are_ranked_when_asked_for(
    run, files, repeating, tmp_path, ranks_of
):
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


def test_vectors_that_know_what_training_holds_out_are_warned_of_when_it_begins(run, files, tmp_path):
    cal = tmp_path / "cal.h5"
    assert (
        run("calibrate", files.vectors, "-i", files.log, "--dim", 8, "--features", 9, "-o", cal).status == 0
    )
    words = ("train", cal, "-i", files.log, "--epochs", 1, "--dim", 8)
    result = run(*words, "--split", "time", "-o", tmp_path / "time.h5")
    assert "has vectors that were calibrated by --split last-two: they may know of events" in result.err
    assert "warning" not in run(*words, "-o", tmp_path / "two.h5").err
    other = tmp_path / "other.jsonl"
    other.write_bytes(b"\n" + files.log.read_bytes())
    words = ("train", cal, "-i", other, "--epochs", 1, "--dim", 8)
    assert "were calibrated on another log" in run(*words, "-o", tmp_path / "other.h5").err
    assert "warning" not in run(*words, "--items", "id", "-o", tmp_path / "id.h5").err
