"""Cores against a plain loop, and against what one pass leaves."""

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.data.kcore import core, enough_at_once

PAIRS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=40)


def codes(pairs):
    return (np.array([pair[part] for pair in pairs], dtype=np.uint32) for part in (0, 1))


def peeled(pairs, min_user, min_item):
    """Drop one user or item after the other."""
    left = list(range(len(pairs)))
    while True:
        users, items = (Counter(pairs[row][part] for row in left) for part in (0, 1))
        low = [(0, user) for user, count in users.items() if count < min_user]
        low += [(1, item) for item, count in items.items() if count < min_item]
        if not low:
            return left
        part, one = low[0]
        left = [row for row in left if pairs[row][part] != one]


@given(PAIRS, st.integers(1, 4), st.integers(1, 4))
@settings(deadline=None, max_examples=200)
def test_the_core_is_what_is_left_in_whatever_order_one_drops(pairs, min_user, min_item):
    mask = core(*codes(pairs), min_user, min_item)
    assert np.flatnonzero(mask).tolist() == peeled(pairs, min_user, min_item)


@given(PAIRS, st.integers(1, 4), st.integers(1, 4))
@settings(deadline=None, max_examples=60)
def test_counting_once_is_one_look_at_all(pairs, min_user, min_item):
    users, items = (Counter(pair[part] for pair in pairs) for part in (0, 1))
    wanted = [users[user] >= min_user and items[item] >= min_item for user, item in pairs]
    assert enough_at_once(*codes(pairs), min_user, min_item).tolist() == wanted


def test_one_pass_leaves_items_that_the_core_does_not_have():
    pairs = [(0, 0), (0, 1), (1, 1), (1, 0), (2, 0), (2, 2), (3, 2), (4, 2)]
    assert enough_at_once(*codes(pairs), 2, 2).sum() == 6
    assert core(*codes(pairs), 2, 2).sum() == 4  # item 2 goes with its users, and user 2 with it
