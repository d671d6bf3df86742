"""Waves over processes: the same results in the same order, and whatever goes wrong arrives in its place."""

import os
import threading
import time

import pytest

from genair.errors import GenairError, InputError, UsageError
from genair.llm.base import BackendSpec
from genair.llm.dispatch import map_waves
from genair.llm.waves import Unit, unit_key, waves_of
from genair.records import Failed

pytestmark = pytest.mark.slow

ECHO = BackendSpec("echo", "", "echo", "", "words")
ABSENT = BackendSpec("no such backend", "", "", "", "")
BAD = Failed(InputError("is no number", where="items.jsonl:99"), "ninety-nine")
ALL_WAYS = pytest.mark.parametrize("workers", [0, 1, 2])


@pytest.fixture(scope="module")
def things(work):
    return [work.Thing(number) for number in range(11)]


@pytest.fixture(scope="module")
def expected(work, things):
    """What comes of the things in waves of two."""
    return list(map_waves(work.read, waves_of(things, 2), ECHO, 0))


def collect(do, records, workers, spec=ECHO):
    """Return the units that came of waves of two, and the error that ended them."""
    came = []
    try:
        came.extend(map_waves(do, waves_of(records, 2), spec, workers))
    except GenairError as error:
        return came, error
    return came, None


def test_each_unit_holds_a_wave_s_results_and_its_key(things, expected):
    waves = list(waves_of(things, 2))
    assert [unit.key for unit in expected] == [unit_key(wave) for wave in waves]
    assert [[number for number, _ in unit.outcomes] for unit in expected] == [
        [thing.number for thing in wave] for wave in waves
    ]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_any_number_of_workers_gives_the_same_in_the_same_order(
    work, things, expected, no_process_is_left, workers
):
    assert collect(work.read, things, workers) == (expected, None)
    assert no_process_is_left()


@ALL_WAYS
def test_what_failed_before_travels_in_its_place(work, things, expected, workers):
    one, two, three, four = things[:4]
    records = [BAD, one, BAD, two, BAD, three, four, BAD, BAD]
    came, error = collect(work.read, records, workers)
    assert error is None
    ((first, second), (third, fourth)) = (unit.outcomes for unit in expected[:2])
    outcomes = [list(unit.outcomes) for unit in came]
    assert outcomes == [[BAD, first, BAD, second], [BAD, third, fourth], [BAD, BAD]]


@ALL_WAYS
def test_work_that_does_a_part_only_puts_failures_in_their_place(work, things, workers):
    came, error = collect(work.fail_odd_ones, things[:4], workers)
    assert error is None
    outcomes = [outcome for unit in came for outcome in unit.outcomes]
    assert [isinstance(outcome, Failed) for outcome in outcomes] == [False, True, False, True]
    assert [outcome.line for outcome in outcomes[1::2]] == [{"number": 1}, {"number": 3}]
    assert str(outcomes[3].error) == "items.jsonl:3: odd"


@ALL_WAYS
def test_an_error_arrives_with_its_message_and_place_behind_all_earlier_results(
    work, things, expected, no_process_is_left, workers
):
    came, error = collect(work.fail_at_four, things, workers)
    assert came == expected[:2]
    assert type(error) is InputError
    assert (error.message, error.where) == ("four is too many", "items.jsonl:4")
    assert no_process_is_left()


@ALL_WAYS
@pytest.mark.parametrize("kind", [InputError, OSError])
def test_an_error_of_the_input_arrives_behind_all_earlier_results(
    work, things, expected, no_process_is_left, workers, kind
):
    def torn():
        yield from things[:4]
        raise kind("torn")

    came = []
    with pytest.raises(kind, match="torn"):
        came.extend(map_waves(work.read, waves_of(torn(), 2), ECHO, workers))
    assert came == expected[:2]
    assert no_process_is_left()


@ALL_WAYS
def test_a_backend_that_does_not_open_says_why(work, things, workers):
    came, error = collect(work.read, things, workers, ABSENT)
    assert came == []
    assert type(error) is UsageError
    assert "unknown backend 'no such backend'" in str(error)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("divide_by_zero", r"^ZeroDivisionError in a worker process: integer division"),
        ("run_out_of_memory", r"^not enough memory: try fewer --workers"),
    ],
)
def test_a_mistake_in_a_worker_is_told_in_one_line(work, things, name, message):
    with pytest.raises(GenairError, match=message):
        list(map_waves(getattr(work, name), waves_of(things, 2), ECHO, 1))


@ALL_WAYS
def test_results_arrive_while_the_input_still_waits(work, things, expected, workers):
    more = threading.Event()

    def slow():
        yield from things[:4]
        assert more.wait(60)
        yield from things[4:]

    units = map_waves(work.read, waves_of(slow(), 2), ECHO, workers)
    assert [next(units), next(units)] == expected[:2]
    assert not more.is_set()
    more.set()
    assert list(units) == expected[2:]


def test_no_workers_is_this_process_and_reads_no_further_than_asked(work):
    taken = []
    units = map_waves(work.who, waves_of(noting(work, taken, 11), 2), ECHO, 0)
    assert next(units).outcomes == [os.getpid()] * 2
    assert taken == [0, 1]
    units.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_few_waves_are_read_ahead_and_leaving_early_ends_the_workers(work, no_process_is_left, workers):
    taken = []
    units = map_waves(work.who, waves_of(noting(work, taken, 100_000), 2), ECHO, workers)
    for number in range(1, 6):
        assert os.getpid() not in next(units).outcomes
        rested(taken)
        assert len(taken) <= 2 * (number + 3 * workers + 1)  # pending, queued, and one in the reader's hand
    units.close()
    assert no_process_is_left()


def noting(work, taken, count):
    for number in range(count):
        taken.append(number)
        yield work.Thing(number)


def rested(taken):
    """Wait until the reader has stopped."""
    size = -1
    while size != len(taken):
        size = len(taken)
        time.sleep(0.3)


def test_no_records_are_no_units(work):
    assert collect(work.read, [], 2) == ([], None)


def test_a_unit_of_nothing_but_failures_needs_no_worker(work, no_process_is_left):
    (unit,) = map_waves(work.who, waves_of([BAD, BAD], 2), ECHO, 1)
    assert unit == Unit(unit_key([BAD, BAD]), [BAD, BAD])
    assert no_process_is_left()
