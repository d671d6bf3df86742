"""The click log: columns in input order, with ids and times that can be trusted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.data.interactions import read_interactions
from genair.errors import InputError

EVENT = st.tuples(
    st.sampled_from(["u", "v", "7", "007"]), st.sampled_from(["a", "b", "7", " 7 "]), st.integers(-5, 5)
)


def rows(*events):
    """Name the lines of (user, item, timestamp) tuples; a tuple of two has no timestamp."""
    keys = ("user_id", "item_id", "timestamp")
    return [(f"log:{n}", dict(zip(keys, event, strict=False))) for n, event in enumerate(events, start=1)]


def read(*events):
    return read_interactions(rows(*events), "log")


@given(st.lists(EVENT, min_size=1, max_size=30), st.booleans())
@settings(deadline=None, max_examples=80)
def test_columns_give_back_the_lines(events, timed):
    log = read(*(event if timed else event[:2] for event in events))
    found = [
        (log.user_ids[user], log.item_ids[item], time)
        for user, item, time in zip(log.users, log.items, log.times, strict=True)
    ]
    expected = [(user, item, time if timed else number) for number, (user, item, time) in enumerate(events)]
    assert found == expected
    assert len(log) == len(events)
    assert log.user_ids == list(dict.fromkeys(user for user, _, _ in events))
    assert log.item_ids == list(dict.fromkeys(item for _, item, _ in events))


@pytest.mark.parametrize("time", [0, -1, 1.5, 2**60, 1_700_000_000_000_000_000, 1e300])
def test_any_finite_number_is_a_time(time):
    assert read(("u", "a", time)).times.tolist() == [float(time)]


@pytest.mark.parametrize(
    "time",
    [float("nan"), float("inf"), -float("inf"), True, False, "12", "2020-01-01", "", [1], {"t": 1}, 10**400],
    ids=lambda value: repr(value)[:12],
)
def test_a_time_that_is_no_finite_number_is_refused_with_its_line(time):
    with pytest.raises(InputError, match=r"^log:2: timestamp must be a number"):
        read(("u", "a", 1), ("u", "b", time))


def test_a_first_time_that_is_no_number_is_refused_too():
    with pytest.raises(InputError, match=r"^log:1: timestamp must be a number, not '12'$"):
        read(("u", "a", "12"))


@pytest.mark.parametrize("absent", [("u", "b"), ("u", "b", None)])
def test_a_line_without_a_time_among_lines_with_one_is_named(absent):
    with pytest.raises(InputError, match=r"^log:2: no timestamp here, but on earlier lines"):
        read(("u", "a", 1), absent, ("u", "c", 3))


@pytest.mark.parametrize("absent", [("u", "b"), ("u", "b", None)])
def test_a_line_with_a_time_among_lines_without_is_named(absent):
    with pytest.raises(InputError, match=r"^log:3: a timestamp here, but none on earlier lines"):
        read(absent, absent, ("u", "c", 0))


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ((7, "a", 1), "user_id is the number 7: ids are strings"),
        (("u", 7, 1), "item_id is the number 7: ids are strings"),
        (("u", 7.0, 1), "item_id is the number 7.0"),
        ((None, "a", 1), "missing field 'user_id'"),
        (("u", "", 1), "missing field 'item_id'"),
        (("u", ["a"], 1), "item_id must be a string, not list"),
        (("u", True, 1), "item_id must be a string, not bool"),
    ],
)
def test_ids_that_are_no_strings_are_refused_with_their_line(event, message):
    with pytest.raises(InputError) as caught:
        read(("u", "a", 1), event)
    assert str(caught.value).startswith(f"log:2: {message}")


def test_an_empty_log_is_refused():
    with pytest.raises(InputError, match=r"^log: no interactions: the input is empty$"):
        read_interactions([], "log")


def test_columns_have_the_stated_types():
    log = read(("u", "a", 1), ("u", "b", 2))
    assert [column.dtype for column in (log.users, log.items, log.times)] == [np.int64, np.int64, np.float64]
