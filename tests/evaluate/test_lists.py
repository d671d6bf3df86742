"""What is recommended to everybody: lists by hand, and how they spread."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genair.evaluate.lists import LIST_MEASURES, best_items, coverage, gini, popularity
from genair.evaluate.ranking import Block

HIDDEN = -np.inf


def _block(scores):
    some = torch.zeros(len(scores), 1)
    return Block(np.arange(len(scores)), torch.tensor(scores), some.long(), some)


def test_best_items_come_first_and_the_last_item_can_be_the_best():
    found = best_items(_block([[0.1, 0.3, 0.2, 0.9], [5.0, HIDDEN, 2.0, 1.0]]), 3)
    assert found.tolist() == [[4, 2, 3], [1, 3, 4]]


def test_of_equal_scores_the_earlier_items_are_listed():
    assert best_items(_block([[1.0] * 40]), 5).tolist() == [[1, 2, 3, 4, 5]]


def test_lists_end_where_no_item_is_left():
    assert best_items(_block([[0.1, HIDDEN, 0.2], [HIDDEN] * 3]), 5).tolist() == [[3, 1, 0, 0, 0], [0] * 5]


# Five items; the first is on three lists, the second on two, the last on one. Nobody gets items 3 and 4.
LISTS = np.asarray([[1, 2], [1, 2], [5, 1]])
EVENTS = np.asarray([10, 4, 2, 1, 6])


def test_coverage_by_hand():
    assert coverage(LISTS, EVENTS) == 3 / 5
    assert coverage(LISTS[:, :1], EVENTS) == 2 / 5
    assert coverage(np.asarray([[5, 0]]), EVENTS) == 1 / 5


def test_gini_by_hand():
    counts = [3, 2, 0, 0, 1]
    pairs = sum(abs(one - other) for one in counts for other in counts)
    assert gini(LISTS, EVENTS) == pytest.approx(pairs / (2 * 5 * sum(counts)))


def test_popularity_by_hand():
    assert popularity(LISTS, EVENTS) == pytest.approx((7 + 7 + 8) / 3)
    assert popularity(np.asarray([[1, 0], [0, 0], [4, 3]]), EVENTS) == pytest.approx((10 + 1.5) / 2)


@pytest.mark.parametrize(("lists", "wanted"), [([[1], [2], [3], [4]], 0.0), ([[2], [2], [2]], 3 / 4)])
def test_gini_is_nothing_for_all_alike_and_most_for_one_item(lists, wanted):
    assert gini(np.asarray(lists), np.ones(4, dtype=int)) == pytest.approx(wanted)


def test_nothing_recommended_is_nothing():
    assert {measure(np.zeros((2, 5), dtype=int), EVENTS) for measure in LIST_MEASURES.values()} == {0.0}


@given(st.lists(st.lists(st.integers(0, 6), min_size=2, max_size=2), min_size=1, max_size=9))
def test_gini_is_the_mean_difference_whatever_the_lists(lists):
    counts = [sum(row.count(item) for row in lists) for item in range(1, 7)]
    pairs = sum(abs(one - other) for one in counts for other in counts)
    wanted = pairs / (2 * 6 * sum(counts)) if sum(counts) else 0
    assert gini(np.asarray(lists), np.ones(6, dtype=int)) == pytest.approx(wanted)
    assert 0 <= gini(np.asarray(lists), np.ones(6, dtype=int)) < 1
