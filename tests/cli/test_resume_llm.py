"""The same promises with the real model: one pass or two, killed or not."""

import os
import signal

import numpy as np
import pytest

from genair.catalogue import items_path
from genair.io.container import open_container

pytestmark = pytest.mark.llm

SMALL = ("--wave", 2, "--max-tokens", 8, "-n", 6, "--workers", 1, "--quiet")
NAMES = ("arch.jsonl", "emb.h5")
ALONE = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # on shared cores its threads wait for one another


@pytest.fixture(scope="module")
def undisturbed():
    """The outputs of a run that nobody disturbs; filled by the first test that needs them."""
    return []


@pytest.fixture
def archetype(start, tmp_path, undisturbed):
    """Start a run in the test's folder, and make sure that there is an undisturbed one to compare with."""
    words = ("archetype", items_path(), "-o", NAMES[0], "--embeddings", NAMES[1], *SMALL)
    if not undisturbed:
        start(*words, env=ALONE).ends(0)
        undisturbed.extend((tmp_path / name).read_bytes() for name in NAMES)
        for name in NAMES:
            (tmp_path / name).unlink()
    return lambda *more: start(*words, *more, env=ALONE)


def outputs(folder):
    return [(folder / name).read_bytes() for name in NAMES]


def test_killed_and_resumed_is_undisturbed(archetype, undisturbed, tmp_path, done):
    command = archetype()
    command.wait_until(lambda: done(tmp_path / NAMES[0]) >= 1)
    command.kill()
    command.ends(-signal.SIGKILL)
    assert [path.name for path in tmp_path.iterdir()] == ["arch.jsonl.partial"]
    archetype("--resume").ends(0)
    assert outputs(tmp_path) == undisturbed


def test_a_worker_killed_in_the_middle_changes_nothing(archetype, undisturbed, tmp_path, done):
    command = archetype()
    command.wait_until(lambda: done(tmp_path / NAMES[0]) >= 1)
    (worker,) = command.workers()
    os.kill(worker, signal.SIGKILL)
    command.ends(0)
    assert outputs(tmp_path) == undisturbed


def test_one_pass_sees_what_two_see(archetype, start, undisturbed, tmp_path):
    for name, content in zip(NAMES, undisturbed, strict=True):
        (tmp_path / name).write_bytes(content)
    start("embed", NAMES[0], "--wave", 2, "--workers", 1, "-o", "two.h5", env=ALONE).ends(0)
    with open_container(tmp_path / NAMES[1], "one") as one, open_container(tmp_path / "two.h5", "two") as two:
        assert one.read_strings("item_ids") == two.read_strings("item_ids")
        for view in ("views/context", "views/archetype"):
            made, again = one.read(view), two.read(view)
            norms = np.linalg.norm(made, axis=1) * np.linalg.norm(again, axis=1)
            cosines = (made * again).sum(axis=1) / norms
            assert cosines.shape == (6,)
            assert cosines.min() >= 0.9999
