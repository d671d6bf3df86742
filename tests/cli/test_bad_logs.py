"""Click logs that cannot be used: one line that says where and what, nothing half written."""

import json
import os

import pytest

EVENT = b'{"user_id": "u", "item_id": "1", "timestamp": 1}\n'
WITH_LOG = ["calibrate", "train", "eval"]


def input_of(command, files):
    return {"calibrate": files.vectors, "train": files.calibrated, "eval": files.model}[command]


def output_of(command, folder):
    return () if command == "eval" else ("-o", folder / "out.h5")


@pytest.mark.parametrize("command", WITH_LOG)
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["log.jsonl", "empty"]),
        (b"{broken\n", ["log.jsonl:1", "broken JSON"]),
        (b'{"item_id": "1", "timestamp": 1}\n', ["log.jsonl:1", "missing field 'user_id'"]),
        (b'{"user_id": "u", "timestamp": 1}\n', ["log.jsonl:1", "missing field 'item_id'"]),
        (b'{"user_id": 5, "item_id": "1", "timestamp": 1}\n', ["log.jsonl:1", "user_id", "number 5"]),
        (b'{"user_id": "u", "item_id": 1, "timestamp": 1}\n', ["log.jsonl:1", "item_id", "number 1"]),
        (EVENT.replace(b"1}", b'"now"}'), ["log.jsonl:1", "timestamp must be a number"]),
        (EVENT + b'{"user_id": "u", "item_id": "1"}\n', ["log.jsonl:2", "no timestamp"]),
        (EVENT, ["log.jsonl", "1 item ids are not in", "'1'", "--on-error skip"]),
    ],
)
def test_a_bad_log_is_refused_by_line(run, files, tmp_path, command, content, words):
    log = tmp_path / "log.jsonl"
    log.write_bytes(content)
    result = run(command, input_of(command, files), "-i", log, *output_of(command, tmp_path))
    result.fails(3, f"genair {command}: error: ", *words)
    assert [path.name for path in tmp_path.iterdir()] == ["log.jsonl"]


@pytest.mark.parametrize("command", WITH_LOG)
def test_events_of_unknown_items_are_dropped_and_told_on_request(run, files, tmp_path, command):
    log = tmp_path / "log.jsonl"
    log.write_bytes(files.log.read_bytes() + EVENT)
    words = (command, input_of(command, files), "-i", log, *output_of(command, tmp_path))
    small = {"calibrate": ("--features", 50), "train": ("--epochs", 1), "eval": ()}[command]
    result = run(*words, *small, "--on-error", "skip")
    assert result.status == 4
    assert "1 events dropped" in result.err


@pytest.mark.parametrize("command", ["train", "eval"])
def test_users_with_fewer_than_three_events_alone_are_not_enough(run, files, tmp_path, command):
    first = json.loads(files.log.read_bytes().split(b"\n")[0])["item_id"]
    log = tmp_path / "log.jsonl"
    log.write_text(
        "".join(json.dumps({"user_id": u, "item_id": first, "timestamp": 1}) + "\n" for u in "abcde")
    )
    result = run(command, input_of(command, files), "-i", log, *output_of(command, tmp_path))
    result.fails(3, "no user has 3 events")


@pytest.mark.parametrize(
    "line",
    [
        '{"user_id":7,"item_id":"i"}',
        '{"user_id":"u","item_id":""}',
        '{"user_id":"u"}',
        '{"user_id":"u","item_id":"i","timestamp":"x"}',
        '{"user_id":"u","item_id":"i","timestamp":5}',
    ],
)
def test_info_check_reads_the_ids_of_a_log(run, tmp_path, line):
    log = tmp_path / "log.jsonl"
    log.write_text('{"user_id":"u","item_id":"i"}\n' + line + "\n")
    assert run("info", log).status == 0
    run("info", log, "--check").fails(3, "log.jsonl:2: ")


@pytest.mark.parametrize("name", ["-", "pipe"])
def test_info_reads_no_pipe_whose_beginning_would_be_lost(run, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    run("info", name, "--check").fails(
        2, f"{name} can be read only once, and is read twice: write it to a file"
    )


def test_info_of_a_folder_says_that_it_is_one(run, tmp_path):
    run("info", tmp_path).fails(1, f"{tmp_path}: is a folder, not a file")
