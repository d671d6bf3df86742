"""Each step takes what it says and no more, in a fixed order, and all that is lost is counted."""

from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.config.importing import FilterConfig
from genair.data.clock import Clock
from genair.data.events import Events
from genair.data.filters import Sieve
from genair.errors import UsageError

CLOCK = Clock("s", 1, guessed=False)
ORDER = Clock("order", None, guessed=False)
ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.sampled_from([1.0, 2.0])),
    max_size=25,
)


def sieve_of(rows, clock=CLOCK, columns=("user", "item", "time", "rating")):
    time = pl.Float64 if any(isinstance(row[2], float) for row in rows) else pl.Int64
    schema = {"user": pl.UInt32, "item": pl.UInt32, "time": time, "rating": pl.Float64}
    frame = pl.DataFrame(rows, schema=schema, orient="row").select(columns)
    ids = pl.Series(["a", "b", "c", "d"])
    return Sieve(Events(frame, ids, ids, clock))


def narrowed(rows, **settings):
    sieve = sieve_of(rows)
    sieve.narrow(FilterConfig(**settings))
    return sieve


def in_order(rows):
    return sorted(rows, key=lambda row: (row[0], row[2]))


@given(ROWS)
@settings(deadline=None, max_examples=60)
def test_exact_duplicates_go_and_the_first_stays(rows):
    assert narrowed(rows).frame.rows() == list(dict.fromkeys(in_order(rows)))
    assert narrowed(rows, duplicates="keep").frame.rows() == in_order(rows)


@given(ROWS, st.sampled_from(["first", "last"]))
@settings(deadline=None, max_examples=60)
def test_of_repeated_pairs_the_first_or_the_last_in_time_stays(rows, repeats):
    ordered = in_order(rows)
    if repeats == "last":
        ordered.reverse()
    wanted = {(user, item): at for at, (user, item, *_) in reversed(list(enumerate(ordered)))}
    left = [ordered[at] for at in sorted(wanted.values())]
    if repeats == "last":
        left.reverse()
    assert narrowed(rows, duplicates="keep", repeats=repeats).frame.rows() == left


@given(ROWS, st.integers(1, 3), st.integers(1, 3))
@settings(deadline=None, max_examples=60)
def test_what_is_lost_adds_up(rows, min_user, min_item):
    sieve = narrowed(rows, min_rating=1.5, repeats="first", min_user=min_user, min_item=min_item)
    lost = sum(loss.interactions for loss in sieve.losses.values())
    assert sieve.read.interactions == len(rows) == len(sieve.frame) + lost
    users = sieve.read.users - sum(loss.users for loss in sieve.losses.values())
    assert users == sieve.frame["user"].n_unique()


@given(ROWS, st.integers(1, 3), st.integers(1, 3))
@settings(deadline=None, max_examples=60)
def test_every_user_and_item_of_the_core_has_enough(rows, min_user, min_item):
    left = narrowed(rows, min_user=min_user, min_item=min_item).frame.rows()
    assert all(count >= min_user for count in Counter(row[0] for row in left).values())
    assert all(count >= min_item for count in Counter(row[1] for row in left).values())


def test_the_steps_are_taken_in_their_order():
    settings = {
        "min_rating": 1,
        "since": "1970-01-01",
        "repeats": "first",
        "min_user": 2,
        "no_text": "drop",
        "min_length": 2,
    }
    sieve = narrowed([(0, 0, 0, 1.0), (0, 1, 1, 1.0)], **settings)
    sieve.narrow_to_text(np.array([True, True, False, False]), FilterConfig(**settings))
    assert list(sieve.losses) == ["rating", "dates", "duplicates", "repeats", "core", "text", "length"]
    assert len(sieve.frame) == 2


def test_ratings_and_dates_are_inclusive_at_the_low_end_only():
    rows = [(0, 0, day * 86400, rating) for day, rating in enumerate([1.0, 2.0, 1.5, 2.0])]
    assert narrowed(rows, min_rating=1.5).frame["rating"].to_list() == [2.0, 1.5, 2.0]
    left = narrowed(rows, since="1970-01-02", until="1970-01-04").frame
    assert (left["time"] // 86400).to_list() == [1, 2]


def test_dates_are_kept_to_a_fraction_of_a_second():
    rows = [(0, 0, 86400 + second, 1.0) for second in (0.5, 1.4, 1.6, 2.0)]
    day = "1970-01-02T00:00:0"
    assert len(narrowed(rows, since=f"{day}1.4").frame) == 3
    assert len(narrowed(rows, until=f"{day}1.5").frame) == 2
    assert len(narrowed(rows, since=f"{day}1.4", until=f"{day}2").frame) == 2
    whole = [(0, 0, 86400 + second, 1.0) for second in (1, 2)]
    assert len(narrowed(whole, since=f"{day}1.4").frame) == len(narrowed(whole, until=f"{day}1.4").frame) == 1


def test_one_pass_is_not_the_core():
    rows = [(0, 0, 0, 1.0), (0, 1, 1, 1.0), (1, 1, 2, 1.0), (2, 1, 3, 1.0), (2, 2, 4, 1.0)]
    assert len(narrowed(rows, min_user=2, core="once").frame) == 4
    assert len(narrowed(rows, min_user=2, min_item=2, core="once").frame) == 2
    assert len(narrowed(rows, min_user=2, min_item=2).frame) == 0


def test_items_without_text_and_short_users_go_last():
    sieve = sieve_of([(0, 0, 0, 1.0), (0, 1, 1, 1.0), (1, 1, 2, 1.0)])
    config = FilterConfig(no_text="drop", min_length=2)
    sieve.narrow_to_text(np.array([True, True, True, True]), config)
    assert sieve.frame["user"].to_list() == [0, 0]
    sieve.narrow_to_text(np.array([False, True, True, True]), config)
    assert sieve.frame.is_empty()
    assert sieve.present("item").tolist() == [False] * 4


def test_without_times_no_event_is_a_duplicate_of_another():
    sieve = sieve_of([(0, 0, 0, 1.0), (0, 0, 0, 1.0)], clock=None, columns=("user", "item"))
    sieve.narrow(FilterConfig())
    assert len(sieve.frame) == 2
    sieve.narrow(FilterConfig(repeats="first"))
    assert len(sieve.frame) == 1


@pytest.mark.parametrize(
    ("columns", "clock", "config", "said"),
    [
        (("user", "item"), None, FilterConfig(min_rating=3), "--min-rating needs ratings"),
        (("user", "item"), None, FilterConfig(since="2015-01-01"), "--since and --until need times"),
        (("user", "item", "time"), ORDER, FilterConfig(until="2015-01-01"), "--since and --until need times"),
    ],
)
def test_what_the_log_lacks_is_asked_for_in_vain(columns, clock, config, said):
    with pytest.raises(UsageError, match=said):
        sieve_of([(0, 0, 0, 1.0)], clock, columns).narrow(config)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"duplicates": "twice"}, "--duplicates must be drop or keep"),
        ({"repeats": "some"}, "--repeats must be keep, first, last"),
        ({"core": "hot"}, "--core must be iterated or once"),
        ({"no_text": "hide"}, "--no-text must be keep or drop"),
        ({"min_user": 0}, "--min-user must be 1 or more"),
        ({"min_item": 0}, "--min-item must be 1 or more"),
        ({"min_length": 0}, "--min-length must be 1 or more"),
        ({"since": "soon"}, "--since must be a date"),
        ({"since": "2016-01-01", "until": "2015-01-01"}, "--until must be later than --since"),
    ],
)
def test_settings_outside_their_range_are_refused(settings, said):
    with pytest.raises(UsageError, match=said):
        FilterConfig(**settings)
