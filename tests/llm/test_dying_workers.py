"""Workers that die: their wave is tried once more, then record by record, and the one that kills is named."""

import os
import signal
from functools import partial

import pytest

from genair.errors import GenairError, InputError
from genair.llm.base import BackendSpec
from genair.llm.dispatch import map_waves
from genair.llm.waves import waves_of
from genair.records import Failed

pytestmark = pytest.mark.slow

ECHO = BackendSpec("echo", "", "echo", "", "words")
WAYS = pytest.mark.parametrize("workers", [1, 2])


@pytest.fixture(scope="module")
def things(work):
    return [work.Thing(number) for number in range(9)]


@pytest.fixture(scope="module")
def expected(work, things):
    return list(map_waves(work.read, waves_of(things, 3), ECHO, 0))


@pytest.fixture
def diary(tmp_path):
    """Every try of a wave with the number four in it, a line each."""
    return tmp_path / "tries"


def mapped(do, things, workers, spec=ECHO):
    return list(map_waves(do, waves_of(things, 3), spec, workers))


@WAYS
def test_a_worker_killed_once_changes_nothing(work, things, expected, no_process_is_left, diary, workers):
    assert mapped(partial(work.die_of_four, diary=diary, deaths=1), things, workers) == expected
    assert diary.read_text().splitlines() == ["[3, 4, 5]"] * 2
    assert no_process_is_left()


@WAYS
def test_a_wave_that_kills_two_is_done_record_by_record(work, things, expected, diary, workers):
    assert mapped(partial(work.die_of_four, diary=diary, deaths=2), things, workers) == expected
    assert diary.read_text().splitlines() == ["[3, 4, 5]", "[3, 4, 5]", "[4]"]


@WAYS
def test_a_record_that_kills_only_in_company_is_done(work, things, expected, diary, workers):
    do = partial(work.die_of_four, diary=diary, deaths=100, company=1)
    assert mapped(do, things, workers) == expected


@WAYS
def test_a_record_that_always_kills_is_named_and_the_others_are_done(
    work, things, expected, no_process_is_left, diary, workers
):
    came = mapped(partial(work.die_of_four, diary=diary, deaths=100), things, workers)
    assert [unit.key for unit in came] == [unit.key for unit in expected]
    assert (came[0], came[2]) == (expected[0], expected[2])
    three, four, five = came[1].outcomes
    assert (three, five) == (expected[1].outcomes[0], expected[1].outcomes[2])
    assert isinstance(four, Failed)
    assert four.line == {"number": 4}
    assert str(four.error).startswith("items.jsonl:4: item 'item-4': the worker process died of it")
    assert "SIGKILL" in four.error.message
    assert diary.read_text().splitlines() == ["[3, 4, 5]", "[3, 4, 5]", "[4]"]
    assert no_process_is_left()


def test_a_wave_that_kills_all_its_records_one_by_one_names_each(work, diary):
    fours = [work.Thing(4)] * 3
    (unit,) = mapped(partial(work.die_of_four, diary=diary, deaths=100), fours, 2)
    assert [isinstance(outcome, Failed) for outcome in unit.outcomes] == [True] * 3


def test_what_failed_before_keeps_its_place_in_a_wave_done_record_by_record(work, things, expected, diary):
    bad = Failed(InputError("is no number"), "x")
    records = [*things[:3], bad, things[3], bad, *things[4:]]
    came = mapped(partial(work.die_of_four, diary=diary, deaths=2), records, 2)
    three, four, five = expected[1].outcomes
    assert list(came[1].outcomes) == [bad, three, bad, four, five]


def test_a_worker_that_leaves_by_itself_is_named_by_its_exit_status(work, things):
    came = mapped(work.leave_at_four, things, 1)
    assert "exit status 3" in came[1].outcomes[1].error.message


@WAYS
def test_a_worker_that_dies_loading_its_model_is_an_error_that_says_so(
    work, things, no_process_is_left, workers
):
    with pytest.raises(GenairError, match=r"died while it loaded the model \(SIGKILL\).*fewer --workers"):
        mapped(work.read, things, workers, work.DeadlySpec())
    assert no_process_is_left()


def test_a_worker_killed_from_outside_between_two_waves_is_replaced(work):
    units = map_waves(work.who, waves_of([work.Thing(number) for number in range(300)], 1), ECHO, 1)
    (first,) = next(units).outcomes
    os.kill(first, signal.SIGKILL)
    later = [outcome for unit in units for outcome in unit.outcomes]
    assert len(later) == 299
    assert later[-1] not in (first, os.getpid())
    assert not any(isinstance(outcome, Failed) for outcome in later)
