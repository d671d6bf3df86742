"""`genair recommend` between pipes, FIFOs and files: when answers come, and that they come whole."""

import gzip
import json
import os
import subprocess
from select import select

import numpy as np
import pytest


def test_output_goes_to_a_file_whole_and_gzip_by_name(run, world, tmp_path):
    wanted = run("recommend", world.model, stdin=world.lines).out
    for name in ("r.jsonl", "r.jsonl.gz"):
        path = tmp_path / name
        result = run("recommend", world.model, "-o", path, stdin=world.lines)
        assert (result.status, result.out) == (0, b"")
        content = path.read_bytes()
        assert (gzip.decompress(content) if name.endswith("gz") else content) == wanted
        run("recommend", world.model, "-o", path, stdin=world.lines).fails(1, "exists already")
        assert run("recommend", world.model, "-o", path, "--force", stdin=world.lines).status == 0
        assert path.read_bytes() == content
    bad = tmp_path / "bad.jsonl"
    run("recommend", world.model, "-o", bad, stdin=world.lines + b"{").fails(3, "stdin:7")
    assert not bad.exists()
    run("recommend", world.model, "-o", "/dev/full", stdin=world.lines).fails(1, "No space left")


def test_a_model_can_come_by_a_pipe(run, world, tmp_path):
    (tmp_path / "h.jsonl").write_bytes(world.lines)
    result = run("recommend", "-", tmp_path / "h.jsonl", stdin=world.model.read_bytes())
    assert world.lists(result) == world.lists(run("recommend", world.model, stdin=world.lines))


@pytest.mark.slow
def test_each_user_is_answered_before_the_next_line_is_sent(start, world, monkeypatch):
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # which would flush for us
    command = start("recommend", world.model, stdout=subprocess.PIPE)
    for user_id, history in world.histories:
        text = world.line(user_id, *history)
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
        for user_id, history in world.histories:
            pen.write(world.line(user_id, *history))
            assert json.loads(answers.readline())["user_id"] == user_id
    command.ends(0)


@pytest.mark.slow
def test_a_reader_that_leaves_early_ends_an_endless_stream_with_0(start, world):
    command = start("recommend", world.model, stdout=subprocess.PIPE, bufsize=0)
    command.feed(world.lines)
    command.stdout.readline()
    command.stdout.close()
    while command.poll() is None:
        try:
            command.feed(world.lines)
        except BrokenPipeError:
            break
    assert command.wait(timeout=60) == 0
    assert b"error" not in command.stderr.read().lower()


@pytest.mark.slow
def test_the_same_file_gives_the_same_bytes(start, world, tmp_path):
    rng = np.random.default_rng(0)
    lines = [world.line(f"u{n}", *rng.choice(world.ids, rng.integers(1, 30))) for n in range(3000)]
    (tmp_path / "h.jsonl").write_bytes(b"".join(lines))
    for name in ("one", "two"):
        start("recommend", world.model, "h.jsonl", "-o", name).ends(0)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert (tmp_path / "one").read_bytes().count(b"\n") == 3000


@pytest.mark.slow
@pytest.mark.parametrize("bad", [1, 5000])
def test_a_reader_of_skipped_lines_that_leaves_takes_no_answer_along(start, world, tmp_path, unread, bad):
    (tmp_path / "h.jsonl").write_bytes(world.lines + b"{}\n" * bad)
    words = ("h.jsonl", "-o", "out.jsonl", "--on-error", "skip", "--errors", unread)
    start("recommend", world.model, *words).ends(4)
    answers = (tmp_path / "out.jsonl").read_bytes()
    assert len(answers.split(b"\n")) == len(world.histories) + 1


@pytest.mark.slow
def test_a_fifo_whose_reader_leaves_is_left_with_0(start, world, tmp_path, unread):
    (tmp_path / "h.jsonl").write_bytes(world.lines)
    assert "error" not in start("recommend", world.model, "h.jsonl", "-o", unread).ends(0)
