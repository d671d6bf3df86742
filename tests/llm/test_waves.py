"""Waves over processes: the same results in the same order, and every failure arrives as itself."""

import multiprocessing
import os
import time
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.errors import GenairError, InputError, UsageError
from genair.llm.base import BackendSpec
from genair.llm.waves import map_waves, waves_of

ECHO = BackendSpec("echo", "", "echo", "", "words")
ABSENT = BackendSpec("no such backend", "", "", "", "")
NUMBERS = range(11)


@pytest.fixture(scope="module")
def work():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parent)
        yield import_module("wave_work")


def collect(work, workers, spec=ECHO, numbers=NUMBERS):
    """Return the waves that came, and the error that ended them."""
    came = []
    try:
        came.extend(map_waves(work, waves_of(numbers, 2), spec, workers))
    except GenairError as error:
        return came, error
    return came, None


def no_process_is_left():
    """Wait for the pool's processes: its own thread reaps them too, so joining them here would race."""
    deadline = time.monotonic() + 20
    while multiprocessing.active_children() and time.monotonic() < deadline:
        time.sleep(0.02)
    return not multiprocessing.active_children()


@given(st.lists(st.integers(), max_size=20), st.integers(1, 7))
@settings(deadline=None, max_examples=60)
def test_waves_are_runs_of_consecutive_items(items, size):
    waves = list(waves_of(iter(items), size))
    assert [item for wave in waves for item in wave] == items
    assert {len(wave) for wave in waves[:-1]} <= {size}
    assert all(1 <= len(wave) <= size for wave in waves)


def test_two_workers_give_what_one_gives_in_the_same_order(work):
    one, error = collect(work.read, 1)
    assert error is None
    assert [number for wave in one for number, _ in wave] == list(NUMBERS)
    assert collect(work.read, 2) == (one, None)
    assert no_process_is_left()


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_in_a_worker_arrives_with_its_message_and_place(work, workers):
    came, error = collect(work.fail_at_four, workers)
    assert came == collect(work.read, 1)[0][:2]
    assert type(error) is InputError
    assert (error.message, error.where) == ("four is too many", "items.jsonl:4")
    assert no_process_is_left()


def test_a_killed_worker_is_an_error_that_says_so(work):
    came, error = collect(work.be_killed_at_four, 2)
    assert came == collect(work.read, 1)[0][: len(came)]
    assert "a worker process died" in str(error)
    assert no_process_is_left()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_backend_that_does_not_open_says_why(work, workers):
    came, error = collect(work.read, workers, ABSENT)
    assert came == []
    assert type(error) is UsageError
    assert "unknown backend 'no such backend'" in str(error)


def test_one_worker_is_this_process_and_reads_no_further_than_asked(work):
    taken = []

    def numbers():
        for number in NUMBERS:
            taken.append(number)
            yield number

    waves = map_waves(work.who, waves_of(numbers(), 2), ECHO, 1)
    assert next(waves) == [os.getpid()] * 2
    assert taken == [0, 1]
    waves.close()


def test_leaving_early_ends_the_workers_and_the_input_is_read_lazily(work):
    taken = []

    def numbers():
        for number in range(1000):
            taken.append(number)
            yield number

    waves = map_waves(work.who, waves_of(numbers(), 2), ECHO, 2)
    pids = set(next(waves))
    assert os.getpid() not in pids
    assert len(taken) == 8  # two waves of two for each of two workers
    waves.close()
    assert no_process_is_left()
