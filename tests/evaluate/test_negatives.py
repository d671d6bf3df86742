"""Sampled negatives: uniform, never of the user's history, and the same whoever is measured."""

import tracemalloc
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.errors import UsageError
from genair.evaluate.negatives import draw_distinct, sample_negatives


def _rng(seed=0):
    return np.random.Generator(np.random.PCG64(seed))


@given(st.lists(st.integers(1, 30), min_size=1, max_size=8), st.data())
@settings(deadline=None)
def test_draws_are_different_and_below_the_pool_s_size(pools, data):
    number = data.draw(st.integers(1, min(pools)))
    drawn = draw_distinct(np.asarray(pools), number, _rng(data.draw(st.integers(0, 99))))
    assert drawn.shape == (len(pools), number)
    for row, size in zip(drawn.tolist(), pools, strict=True):
        assert len(set(row)) == number
        assert min(row) >= 0
        assert max(row) < size


def test_every_set_is_drawn_alike():
    drawn = draw_distinct(np.full(20_000, 6), 3, _rng())
    counts = Counter(tuple(sorted(row)) for row in drawn.tolist())
    assert set(counts) == set(combinations(range(6), 3))
    assert max(abs(count - 1000) for count in counts.values()) < 5 * np.sqrt(1000)


def test_one_user_s_draws_do_not_depend_on_who_comes_behind():
    together = draw_distinct(np.asarray([9, 20, 5]), 4, _rng())
    assert draw_distinct(np.asarray([9, 20]), 4, _rng()).tolist() == together[:2].tolist()


@settings(deadline=None)
@given(st.data())
def test_negatives_are_items_of_the_pool_that_the_user_never_had(toy_sequences, data):
    n = data.draw(st.integers(2, 12))
    histories = data.draw(
        st.lists(st.lists(st.integers(1, n), min_size=1, max_size=9), min_size=1, max_size=6)
    )
    named = np.asarray(data.draw(st.permutations(sorted({item for own in histories for item in own}))))
    left = min(len(set(named.tolist()) - set(own)) for own in histories)
    number = data.draw(st.integers(1, 3))
    whole = toy_sequences(histories, n)
    if left < number:
        with pytest.raises(UsageError, match=f"only {left} of the log's {len(named)} items"):
            sample_negatives(whole, named, number, seed=0)
        return
    found = sample_negatives(whole, named, number, seed=0).tolist()
    for row, own in zip(found, histories, strict=True):
        assert len(set(row)) == number
        assert set(row) <= set(named.tolist()) - set(own)


def test_all_that_is_left_can_be_asked_for_the_first_and_the_last_item_too(toy_sequences):
    whole = toy_sequences([[2, 3, 2], [1, 5], [4, 2, 4]], 5)
    found = sample_negatives(whole, np.arange(1, 6), 3, seed=7)
    assert [sorted(row) for row in found.tolist()] == [[1, 4, 5], [2, 3, 4], [1, 3, 5]]


def test_each_unseen_item_is_drawn_alike(toy_sequences):
    whole = toy_sequences([[1, 4]] * 8000, 7)
    counts = np.bincount(sample_negatives(whole, np.arange(1, 8), 2, seed=1).ravel(), minlength=8)
    assert counts[[0, 1, 4]].tolist() == [0, 0, 0]
    assert np.abs(counts[[2, 3, 5, 6, 7]] - 3200).max() < 5 * np.sqrt(3200)


def test_the_pool_s_order_decides_and_not_the_indices(toy_sequences):
    names = np.random.default_rng(0).permutation(8)  # item i is called names[i - 1]
    moved = np.argsort(names) + 1  # the catalogue in the order of the names
    one = sample_negatives(toy_sequences([[1, 2], [3, 8]], 8), moved, 3, seed=5)
    place = names + 1  # index in a catalogue that is sorted
    histories = [place[[0, 1]].tolist(), place[[2, 7]].tolist()]
    other = sample_negatives(toy_sequences(histories, 8), np.arange(1, 9), 3, seed=5)
    assert place[one - 1].tolist() == other.tolist()


def test_too_many_are_refused_with_the_user_and_the_number_left(toy_sequences):
    whole = toy_sequences([[1], [1, 2, 3, 4], [2]], 5)
    with pytest.raises(
        UsageError, match=r"--negatives 2 is too many: only 1 of the log's 5 items .* user 'u1'"
    ):
        sample_negatives(whole, np.arange(1, 6), 2, seed=0)


def test_how_many_users_are_drawn_for_together_changes_no_draw_and_bounds_the_memory(
    toy_sequences, monkeypatch
):
    rng = np.random.default_rng(4)
    whole = toy_sequences([(rng.permutation(50)[: 1 + user % 7] + 1).tolist() for user in range(9000)], 50)
    named = np.arange(1, 51)
    tracemalloc.start()
    found = sample_negatives(whole, named, 40, seed=3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * found.nbytes
    monkeypatch.setattr("genair.evaluate.negatives._USERS", 10**6)
    assert sample_negatives(whole, named, 40, seed=3).tolist() == found.tolist()
