"""A log in figures, against counting by hand and against what training counts."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.data.clock import Clock
from genair.data.ids import IdMap
from genair.data.interactions import Interactions
from genair.data.sequences import build_sequences
from genair.data.summary import share_of_ties, summarise

CLOCK = Clock("ms", 1000, guessed=True)


def frame_of(rows):
    schema = {"user": pl.UInt32, "item": pl.UInt32, "time": pl.Int64}
    return pl.DataFrame(sorted(rows, key=lambda row: (row[0], row[2])), schema=schema, orient="row")


def test_by_hand():
    rows = [(0, 0, 1000), (0, 1, 1000), (0, 1, 2000), (2, 5, 500)]
    found = summarise(frame_of(rows), CLOCK)
    assert (found.users, found.items, found.interactions) == (2, 3, 4)
    assert (found.mean_length, found.median_length) == (2, 2)
    assert found.sparsity == pytest.approx(1 - 3 / 6)
    assert found.ties == 0.5
    assert (found.first, found.last) == (0.5, 2)


def test_an_order_has_ties_but_no_span_and_no_times_have_neither():
    frame = frame_of([(0, 0, 1), (0, 1, 1)])
    order = summarise(frame, Clock("order", None, guessed=True))
    assert (order.ties, order.first, order.last) == (1, None, None)
    none = summarise(frame.drop("time"), None)
    assert (none.ties, none.first, none.last) == (None, None, None)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=20))
@settings(deadline=None, max_examples=60)
def test_ties_are_those_that_training_counts(rows):
    users, items, times = (np.array([row[part] for row in rows]) for part in range(3))
    ids = list("abcd")
    log = Interactions(ids, ids, users, items, times.astype(float))
    assert share_of_ties(frame_of(rows)) == pytest.approx(build_sequences(log, IdMap(ids), name="a").ties)
