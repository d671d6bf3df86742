"""Two factors say who is together with what, for any run of items."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.data.company import WholeHistories, Windows, memberships

N_ITEMS = 6
HISTORIES = st.lists(st.lists(st.integers(1, N_ITEMS), max_size=9), min_size=1, max_size=6)
RUNS = st.tuples(st.integers(0, N_ITEMS), st.integers(0, N_ITEMS)).map(sorted)
SOME = settings(deadline=None, max_examples=100)


def by_owner(found):
    """Return {(item of the run, user): items together with it, 0-based}."""
    holders = found.holders.toarray()
    return {
        (item, int(found.owners[holding])): set(np.flatnonzero(found.partners[[holding]].toarray()).tolist())
        for item, holding in np.argwhere(holders).tolist()
    }


@given(HISTORIES, RUNS, st.integers(0, 10))
@SOME
def test_the_partners_of_a_holding_are_the_items_around_it(toy_sequences, histories, run, window):
    start, stop = run
    train = toy_sequences(histories, N_ITEMS)
    company = Windows(train, window) if window else WholeHistories(memberships(train))
    found = company.of(start, stop)
    expected = {}
    for user, history in enumerate(histories):
        for item in {one for one in history if start < one <= stop}:
            near = [
                other - 1
                for place, other in enumerate(history)
                if not window
                or any(abs(place - mine) <= window for mine, one in enumerate(history) if one == item)
            ]
            expected[item - 1 - start, user] = set(near)
    assert by_owner(found) == expected
    assert found.holders.shape[0] == stop - start
    for factor in (found.holders, found.partners):
        assert factor.dtype == np.int32
        assert np.all(factor.data == 1)
        assert factor.indices.dtype == np.int32


@given(HISTORIES, st.integers(0, 10))
@SOME
def test_a_row_is_no_larger_than_its_size(toy_sequences, histories, window):
    train = toy_sequences(histories, N_ITEMS)
    company = Windows(train, window) if window else WholeHistories(memberships(train))
    for item, size in enumerate(company.sizes()):
        found = company.of(item, item + 1)
        assert (found.holders @ found.partners).nnz <= size


def test_what_lies_in_overlapping_windows_is_visited_once(toy_sequences):
    """An item repeated 2000 times has as many windows, each of nearly all events: 8 million visits, 64 MB."""
    company = Windows(toy_sequences([[1, 2] * 2000], 2), 3999)
    tracemalloc.start()
    found = company.of(0, 2)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.partners.toarray().tolist() == [[1, 1], [1, 1]]
    assert peak < 2_000_000


@pytest.mark.parametrize("histories", [[], [[]], [[], [1, 1], []]])
def test_histories_may_be_empty(toy_sequences, histories):
    train = toy_sequences(histories, 2)
    holdings = int(any(histories))
    for company in (WholeHistories(memberships(train)), Windows(train, 3)):
        assert company.sizes().shape == (2,)
        found = company.of(0, 2)
        assert (found.holders @ found.partners).sum() == holdings
