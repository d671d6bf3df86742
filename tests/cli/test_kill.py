"""kill -9, of the whole run or of a worker, at any moment: the outputs are those of an undisturbed run."""

import json
import os
import signal
import time

import numpy as np
import pytest

pytestmark = pytest.mark.slow

ECHO = ("--backend", "echo", "--wave", 4, "--max-tokens", 4)
N_ITEMS = 1500
N_WAVES = 360  # the items that can be used, four by four


def item(number):
    if number % 25 == 3:
        return {"item_id": f"no text {number}", "price": number}
    return {"item_id": f"i{number}", "title": f"Thing {number} for {'cooks' if number % 2 else 'hikers'}"}


@pytest.fixture(scope="module")
def items(tmp_path_factory):
    path = tmp_path_factory.mktemp("kill") / "items.jsonl"
    path.write_text("".join(json.dumps(item(number)) + "\n" for number in range(N_ITEMS)))
    return path


@pytest.fixture
def archetype(items, tmp_path):
    """The command line, and a look at its outputs."""
    names = ("out.jsonl", "emb.h5", "bad.jsonl")
    more = ("--embeddings", "emb.h5", "--on-error", "skip", "--errors", "bad.jsonl")
    words = ("archetype", items, "-o", "out.jsonl", *ECHO, *more, "--quiet", "--resume")
    return words, lambda: [(tmp_path / name).read_bytes() for name in names]


@pytest.fixture(scope="module")
def expected():
    """What an undisturbed run gives; filled by the first test that needs it."""
    return []


@pytest.fixture
def undisturbed(archetype, start, tmp_path, expected):
    words, outputs = archetype
    if not expected:
        start(*words, "--workers", 1).ends(4)
        expected.extend(outputs())
        for path in tmp_path.iterdir():
            path.unlink()
    return expected


def test_ten_kills_at_random_moments_change_no_byte(archetype, undisturbed, start, tmp_path, done):
    words, outputs = archetype
    dice = np.random.default_rng(20)
    moments = np.sort(dice.integers(1, int(0.8 * N_WAVES), 10)).tolist()
    before = 0
    for moment in moments:
        command = start(*words, "--workers", int(dice.integers(1, 3)))
        command.wait_until(lambda moment=moment: done(tmp_path / "out.jsonl") >= moment, every_s=0.001)
        time.sleep(dice.uniform(0, 0.02))
        command.kill()
        command.ends(-signal.SIGKILL)
        assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl.partial"]
        assert done(tmp_path / "out.jsonl") >= max(before, moment)
        before = done(tmp_path / "out.jsonl")
    start(*words, "--workers", 2).ends(4)
    assert outputs() == undisturbed
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("workers", [1, 2])
def test_three_killed_workers_change_no_byte(archetype, undisturbed, start, tmp_path, done, workers):
    words, outputs = archetype
    command = start(*words, "--workers", workers)
    for moment in (50, 150, 250):
        command.wait_until(lambda moment=moment: done(tmp_path / "out.jsonl") >= moment)
        os.kill(command.workers()[-1], signal.SIGKILL)
    command.ends(4)
    assert outputs() == undisturbed


def test_kills_while_the_input_trickles_in_change_no_byte(start, run, items, tmp_path, done):
    """Each part is killed inside a wave; the next gets the same input from its beginning."""
    lines = [line for line in items.read_bytes().splitlines(keepends=True)[:40] if b"no text" not in line]
    words = ("archetype", "-", "-o", tmp_path / "out.jsonl", *ECHO, "--resume")
    for fed, waves in ((2, 0), (6, 1), (21, 5), (27, 6)):
        command = start(*words, "--workers", 1)
        command.feed(b"".join(lines[:fed]))
        if waves:
            command.wait_until(lambda waves=waves: done(tmp_path / "out.jsonl") == waves)
        else:
            command.wait_until((tmp_path / "out.jsonl.partial").exists)
        command.kill()
        command.ends(-signal.SIGKILL)
    assert run(*words, "--workers", 0, stdin=b"".join(lines)).status == 0
    whole = run("archetype", "-", *ECHO, "--workers", 0, stdin=b"".join(lines))
    assert (tmp_path / "out.jsonl").read_bytes() == whole.out


def test_kills_of_embed_change_no_byte(archetype, undisturbed, start, tmp_path, done):
    (tmp_path / "arch.jsonl").write_bytes(undisturbed[0])
    words = ("embed", "arch.jsonl", "--backend", "echo", "--wave", 4, "--resume", "--quiet", "-o")
    start(*words, "whole.h5", "--workers", 1).ends(0)
    for moment in (1, 100, 200):
        command = start(*words, "out.h5", "--workers", 2)
        command.wait_until(lambda moment=moment: done(tmp_path / "out.h5") >= moment, every_s=0.001)
        command.kill()
        command.ends(-signal.SIGKILL)
        assert not (tmp_path / "out.h5").exists()
    start(*words, "out.h5", "--workers", 1).ends(0)
    assert (tmp_path / "out.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["arch.jsonl", "out.h5", "whole.h5"]
