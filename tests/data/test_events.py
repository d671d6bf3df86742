"""Ids become numbers and come back, sorted by their bytes; events are put in order and cut between users."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.data.clock import Clock
from genair.data.events import EventsBuilder, by_users, in_order

ORDER = Clock("order", None, guessed=False)
ID = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=3)
ROWS = st.lists(st.tuples(ID, ID, st.integers(0, 3)), min_size=1, max_size=30)


def build(rows, batch=4):
    builder = EventsBuilder()
    for start in range(0, len(rows), batch):
        part = rows[start : start + batch]
        builder.add(
            pl.DataFrame(part, schema={"user": pl.String, "item": pl.String, "time": pl.Int64}, orient="row")
        )
    return builder.build(lambda _: ORDER)


@given(ROWS, st.integers(1, 5))
@settings(deadline=None, max_examples=80)
def test_ids_come_back_and_are_sorted_by_their_bytes(rows, batch):
    events = build(rows, batch)
    assert events.users.to_list() == sorted({user for user, _, _ in rows}, key=str.encode)
    assert events.items.to_list() == sorted({item for _, item, _ in rows}, key=str.encode)
    users, items = events.users.gather(events.frame["user"]), events.items.gather(events.frame["item"])
    assert list(zip(users, items, events.frame["time"], strict=True)) == rows


@given(ROWS, st.integers(1, 9))
@settings(deadline=None, max_examples=80)
def test_order_is_by_user_then_time_then_input(rows, part):
    events = build(rows)
    ordered = in_order(events.frame, part)
    users, items = events.users.gather(ordered["user"]), events.items.gather(ordered["item"])
    wanted = sorted(rows, key=lambda row: (row[0].encode(), row[2]))  # sorted() is stable
    assert list(zip(users, items, ordered["time"], strict=True)) == wanted


def test_many_equal_times_keep_the_order_of_the_input():
    numbers = np.random.default_rng(3).integers(0, 4, (20_000, 2))
    frame = pl.DataFrame(
        {"user": numbers[:, 0], "time": numbers[:, 1], "row": range(20_000)},
        schema={"user": pl.UInt32, "time": pl.Int64, "row": pl.Int64},
    )
    ordered = in_order(frame, 7_000)
    assert np.array_equal(ordered["row"], np.lexsort((numbers[:, 1], numbers[:, 0])))


def test_without_times_the_input_is_the_order():
    frame = pl.DataFrame({"user": [1, 0, 1], "item": [5, 6, 4]}, schema_overrides={"user": pl.UInt32})
    assert in_order(frame)["item"].to_list() == [6, 5, 4]


@given(st.lists(st.integers(0, 5), max_size=30).map(sorted), st.integers(1, 9))
@settings(deadline=None, max_examples=80)
def test_parts_are_all_of_it_and_cut_no_user(users, rows):
    frame = pl.DataFrame({"user": users}, schema={"user": pl.UInt32})
    parts = list(by_users(frame, rows))
    assert [user for part in parts for user in part["user"]] == users
    owners = [set(part["user"]) for part in parts]
    assert all(owners)
    assert sum(map(len, owners)) == len(set(users))


def test_a_row_costs_few_bytes():
    rows = [(f"a rather long user id {number % 7}", f"item {number % 5}", number) for number in range(1000)]
    assert build(rows).frame.estimated_size() == pytest.approx(16 * 1000, rel=0.1)
