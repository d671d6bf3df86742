"""Histories as rectangles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.data.padding import batches_of_like_length, pad_histories

HISTORIES = st.lists(st.lists(st.integers(1, 9), max_size=7), min_size=1, max_size=6)


@given(HISTORIES, st.lists(st.integers(0, 5), max_size=8), st.integers(1, 9))
@settings(deadline=None, max_examples=70)
def test_the_last_events_come_first_and_zeros_after_them(toy_sequences, histories, users, max_length):
    users = [user % len(histories) for user in users]
    padded = pad_histories(toy_sequences(histories, 9), np.asarray(users, dtype=np.int64), max_length)
    tails = [histories[user][-max_length:] for user in users]
    width = max(map(len, tails), default=0)
    assert padded.shape == (len(users), max(1, width))
    assert padded.dtype == np.int64
    for row, tail in zip(padded.tolist(), tails, strict=True):
        assert row == tail + [0] * (len(row) - len(tail))


def test_the_width_is_the_longest_chosen_history_s(toy_sequences):
    sequences = toy_sequences([[1, 2, 3, 4], [5], [6, 7]], 7)
    assert pad_histories(sequences, np.array([2, 1]), 50).tolist() == [[6, 7], [5, 0]]
    assert pad_histories(sequences, np.array([0, 1]), 2).tolist() == [[3, 4], [5, 0]]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_batches_hold_every_user_with_events_once_shortest_first(toy_sequences, size):
    histories = toy_sequences([[1], [2, 3, 1], [], [1, 2], [3], []], 3)
    batches = [batch.tolist() for batch in batches_of_like_length(histories, size)]
    assert [user for batch in batches for user in batch] == [0, 4, 3, 1]
    assert all(len(batch) == size for batch in batches[:-1])


@pytest.mark.parametrize(("n_items", "wanted"), [(1 << 20, 4), (1 << 30, 1), (10, 512)])
def test_a_batch_s_scores_fit_16_mib(toy_sequences, n_items, wanted):
    histories = toy_sequences([[1]] * 600, n_items)
    assert len(next(batches_of_like_length(histories))) == wanted
