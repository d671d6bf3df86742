"""Windows and batches: every event is learned from once an epoch, and nothing else is."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genair.train.batches import epoch_batches, windows
from genair.train.tasks import next_item

HISTORIES = st.lists(st.lists(st.integers(1, 9), max_size=14), max_size=6)
BUSY = [[1, 2, 3, 4, 5, 6, 7], [8, 9], [4], [5, 4, 3, 2], [6, 6, 6], [9, 1, 2, 3, 4, 5, 6, 7, 8]]


def _rng(seed=0):
    return np.random.default_rng(seed)


def _events(padded):
    """Return the events of each row without its padding."""
    return [tuple(row[row != 0].tolist()) for row in padded]


def _batches(cut, batch_size, seed=0):
    return list(epoch_batches(cut, batch_size, next_item, _rng(seed)))


@given(HISTORIES, st.integers(1, 6))
def test_windows_hold_every_transition_exactly_once(toy_sequences, histories, max_length):
    labelled = [[100 * user + place + 1 for place in range(len(h))] for user, h in enumerate(histories)]
    cut = windows(toy_sequences(labelled, 1000), max_length)
    found = Counter(pair for window in range(len(cut)) for pair in pairwise(cut.of(window).tolist()))
    assert found == Counter(pair for history in labelled for pair in pairwise(history))


@given(HISTORIES, st.integers(1, 6))
def test_windows_have_an_input_and_a_target_and_at_most_max_length_inputs(
    toy_sequences, histories, max_length
):
    lengths = windows(toy_sequences(histories, 9), max_length).lengths()
    assert ((lengths >= 2) & (lengths <= max_length + 1)).all()


@given(HISTORIES, st.integers(1, 6))
def test_the_latest_window_of_a_user_is_full(toy_sequences, histories, max_length):
    cut = windows(toy_sequences(histories, 9), max_length)
    latest = [cut.of(cut.user_ids.index(user)).tolist() for user in dict.fromkeys(cut.user_ids)]
    assert latest == [history[-max_length - 1 :] for history in histories if len(history) >= 2]


def test_windows_belong_to_their_users(toy_sequences):
    cut = windows(toy_sequences([[1, 2], [3], [4, 5, 6, 7]], 9), 2)
    assert list(cut.user_ids) == ["u0", "u2", "u2"]
    assert [cut.of(window).tolist() for window in range(3)] == [[1, 2], [5, 6, 7], [4, 5]]
    assert cut.n_items == 9


@pytest.mark.parametrize("histories", [[], [[1]], [[], [2], [3]]])
def test_without_two_events_in_a_row_there_are_no_windows_and_no_batches(histories, toy_sequences):
    cut = windows(toy_sequences(histories, 3), 5)
    assert len(cut) == 0
    assert _batches(cut, 4) == []


@given(HISTORIES, st.integers(1, 6), st.integers(1, 5), st.integers(0, 99))
def test_batches_hold_every_window_exactly_once(toy_sequences, histories, max_length, batch_size, seed):
    cut = windows(toy_sequences(histories, 9), max_length)
    wanted = [tuple(cut.of(window).tolist()) for window in range(len(cut))]
    found = []
    for inputs, targets in _batches(cut, batch_size, seed):
        assert 1 <= len(inputs) <= batch_size
        assert inputs.shape == targets.shape
        found += [
            (*before[:1], *after) for before, after in zip(_events(inputs), _events(targets), strict=True)
        ]
    assert Counter(found) == Counter(wanted)


@given(HISTORIES, st.integers(1, 6), st.integers(1, 5))
def test_targets_are_inputs_one_event_on(toy_sequences, histories, max_length, batch_size):
    for inputs, targets in _batches(windows(toy_sequences(histories, 9), max_length), batch_size):
        for before, after in zip(_events(inputs), _events(targets), strict=True):
            assert before[1:] == after[:-1]
            assert len(before) == len(after)


def test_padding_comes_last_and_where_there_is_no_target_there_is_no_input(toy_sequences):
    seen = 0
    for inputs, targets in _batches(windows(toy_sequences(BUSY, 9), 5), 3):
        assert np.array_equal(inputs == 0, targets == 0)
        assert (np.diff((targets == 0).astype(int), axis=1) >= 0).all()
        assert (targets != 0).any(axis=0).all(), "no column is padding alone"
        seen += (targets == 0).sum()
    assert seen > 0


def test_batches_are_what_torch_wants(toy_sequences):
    inputs, targets = _batches(windows(toy_sequences(BUSY, 9), 5), 100)[0]
    assert inputs.dtype == targets.dtype == np.int64


def test_a_batch_has_windows_of_any_length(toy_sequences):
    histories = [list(range(1, 2 + length)) for length in range(1, 25) for _ in range(32)]
    found = _batches(windows(toy_sequences(histories, 30), 50), 64)
    means = [(targets != 0).sum() / len(targets) for _, targets in found]
    assert len(found) == 12
    assert max(means) - min(means) < 5, "sorted by length they would go from 1.5 to 23.5"


def _bytes(batches):
    return [(inputs.tobytes(), targets.tobytes()) for inputs, targets in batches]


def test_the_same_seed_gives_the_same_batches_and_another_does_not(toy_sequences):
    cut = windows(toy_sequences(BUSY * 4, 9), 3)
    assert _bytes(_batches(cut, 4, seed=1)) == _bytes(_batches(cut, 4, seed=1))
    assert _bytes(_batches(cut, 4, seed=1)) != _bytes(_batches(cut, 4, seed=2))


def test_every_epoch_has_its_own_order(toy_sequences):
    cut, rng = windows(toy_sequences(BUSY * 4, 9), 3), _rng()
    first, second = (_bytes(epoch_batches(cut, 4, next_item, rng)) for _ in range(2))
    assert first != second


def test_the_batches_of_an_epoch_have_ascending_lengths(toy_sequences):
    for inputs, _ in _batches(windows(toy_sequences(BUSY, 9), 5), 4):
        lengths = (inputs != 0).sum(axis=1)
        assert (np.diff(lengths) >= 0).all()
