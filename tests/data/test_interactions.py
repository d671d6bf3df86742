"""The click log: columns in input order, with ids and times that can be trusted."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.data.interactions import read_interactions
from genair.errors import InputError
from genair.io.blocks import Block, read_blocks

EVENT = st.tuples(
    st.sampled_from(["u", "v", "7", "007", "é", '"', "\\"]),
    st.sampled_from(["a", "b", "7", " 7 ", "user_id", "\u2028"]),
    st.integers(-5, 5) | st.integers(2**53, 2**53 + 4),
)
KEYS = ("user_id", "item_id", "timestamp")


def line(event):
    """Write a (user, item, timestamp) tuple; one of two has no timestamp."""
    return json.dumps(dict(zip(KEYS, event, strict=False))).encode() + b"\n"


def read(*events, size=1 << 22):
    return read_interactions(read_blocks(map(line, events), "log", size), "log")


@given(st.lists(EVENT, min_size=1, max_size=30), st.booleans(), st.integers(1, 2000))
@settings(deadline=None, max_examples=80)
def test_columns_give_back_the_lines_however_they_are_cut_into_blocks(events, timed, size):
    log = read(*(event if timed else event[:2] for event in events), size=size)
    found = [
        (log.user_ids[user], log.item_ids[item], time)
        for user, item, time in zip(log.users.tolist(), log.items.tolist(), log.times.tolist(), strict=True)
    ]
    expected = [(user, item, time if timed else number) for number, (user, item, time) in enumerate(events)]
    assert found == expected
    assert len(log) == len(events)
    assert log.user_ids == list(dict.fromkeys(user for user, _, _ in events))
    assert log.item_ids == list(dict.fromkeys(item for _, item, _ in events))
    assert log.timed == timed


@pytest.mark.parametrize("time", [0, -1, -0.0, 1.5, 2**60, 1_700_000_000_000_000_000, 2**64, 2**70, 1e300])
def test_any_number_is_a_time(time):
    assert read(("u", "a", time)).times.tolist() == [time]


@pytest.mark.parametrize("size", [1, 1 << 22])
def test_whole_times_are_exact_unless_one_of_the_log_is_not_whole(size):
    nanoseconds = [1_700_000_000_000_000_001, 1_700_000_000_000_000_000]
    exact = read(*(("u", "a", time) for time in nanoseconds), size=size)
    assert (exact.times.dtype, exact.times.tolist()) == (np.int64, nanoseconds)
    mixed = read(*(("u", "a", time) for time in [*nanoseconds, 0.5]), size=size)
    assert (mixed.times.dtype, mixed.times.tolist()) == (np.float64, [*map(float, nanoseconds), 0.5])


@pytest.mark.parametrize("time", [True, False, "12", "2020-01-01", "", [1], {"t": 1}], ids=repr)
def test_a_time_that_is_no_number_is_refused_with_its_line(time):
    with pytest.raises(InputError) as caught:
        read(("u", "a", 1), ("u", "b", time))
    assert str(caught.value) == f"log:2: timestamp must be a number, not {time!r}"


def test_a_first_time_that_is_no_number_is_refused_too():
    with pytest.raises(InputError, match=r"^log:1: timestamp must be a number, not '12'$"):
        read(("u", "a", "12"))


@pytest.mark.parametrize("size", [1, 1 << 22])
@pytest.mark.parametrize("absent", [("u", "b"), ("u", "b", None)])
def test_a_line_without_a_time_among_lines_with_one_is_named(absent, size):
    with pytest.raises(InputError, match=r"^log:2: no timestamp here, but on earlier lines"):
        read(("u", "a", 1), absent, ("u", "c", 3), size=size)


@pytest.mark.parametrize("size", [1, 1 << 22])
@pytest.mark.parametrize("absent", [("u", "b"), ("u", "b", None)])
def test_a_line_with_a_time_among_lines_without_is_named(absent, size):
    with pytest.raises(InputError, match=r"^log:3: a timestamp here, but none on earlier lines"):
        read(absent, absent, ("u", "c", 0), size=size)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ((7, "a", 1), "user_id is the number 7: ids are strings"),
        (("u", 7, 1), "item_id is the number 7: ids are strings"),
        (("u", 7.0, 1), "item_id is the number 7.0"),
        ((None, "a", 1), "missing field 'user_id'"),
        (("u", "", 1), "missing field 'item_id'"),
        (("u", "a\0", 1), "item_id 'a\\x00' holds a null character"),
        (("u", ["a"], 1), "item_id must be a string, not list"),
        (("u", True, 1), "item_id must be a string, not bool"),
    ],
)
def test_ids_that_are_no_strings_are_refused_with_their_line(event, message):
    with pytest.raises(InputError) as caught:
        read(("u", "a", 1), event)
    assert str(caught.value).startswith(f"log:2: {message}")


@pytest.mark.parametrize("blocks", [[], [Block(b"\n", 1)], [Block(b" \n\r\n", 1), Block(b"\t", 3)]])
def test_an_empty_log_is_refused(blocks):
    with pytest.raises(InputError, match=r"^log: no interactions: the input is empty$"):
        read_interactions(blocks, "log")


def test_a_bad_line_before_damage_is_named_first():
    def pieces():
        yield line(("u", "a", 1)) + line(("u", 7, 1)) + b'{"torn'
        raise InputError("the gzip data is damaged", where="log")

    with pytest.raises(InputError, match=r"^log:2: item_id is the number 7"):
        read_interactions(read_blocks(pieces(), "log"), "log")


def test_blank_blocks_say_nothing_about_times():
    events = line(("u", "a", 1)), b"\n\n", line(("u", "b", 2))
    log = read_interactions([Block(data, first) for first, data in enumerate(events, 1)], "log")
    assert log.times.tolist() == [1, 2]


@pytest.mark.parametrize(("time", "kind"), [((1,), np.int64), ((1.0,), np.float64), ((), np.int64)])
def test_columns_have_the_stated_types(time, kind):
    log = read(("u", "a", *time), ("u", "b", *time))
    assert [column.dtype for column in (log.users, log.items, log.times)] == [np.int64, np.int64, kind]
