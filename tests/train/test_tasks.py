"""What is asked of a window: the next item after each event, or what its masked events are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genair.models.base import MASK
from genair.train.tasks import cloze, next_item

WINDOWS = st.lists(st.lists(st.integers(1, 9), min_size=2, max_size=12), min_size=1, max_size=8)


def _padded(windows):
    length = max(map(len, windows))
    return np.asarray([[*window, *[0] * (length - len(window))] for window in windows])


def test_the_next_item_is_asked_for_after_each_event():
    inputs, targets = next_item(_padded([[1, 2, 3, 4], [5, 6], [7, 8, 9]]))
    assert inputs.tolist() == [[1, 2, 3], [5, 0, 0], [7, 8, 0]]
    assert targets.tolist() == [[2, 3, 4], [6, 0, 0], [8, 9, 0]]


@given(WINDOWS, st.floats(0.01, 0.99), st.integers(0, 99))
def test_masked_events_are_the_targets_and_nothing_else_is_touched(windows, probability, seed):
    whole = _padded(windows)
    inputs, targets = cloze(probability, np.random.default_rng(seed))(whole)
    masked = inputs == MASK
    assert np.array_equal(targets != 0, masked)
    assert np.array_equal(np.where(masked, targets, inputs), whole)
    assert masked.any(axis=1).all()


def test_a_window_that_chance_spares_has_its_last_event_masked():
    inputs, targets = cloze(1e-12, np.random.default_rng(0))(_padded([[1, 2, 3, 4], [5, 6], [7, 8, 9]]))
    assert inputs.tolist() == [[1, 2, 3, MASK], [5, MASK, 0, 0], [7, 8, MASK, 0]]
    assert targets.tolist() == [[0, 0, 0, 4], [0, 6, 0, 0], [0, 0, 9, 0]]


@pytest.mark.parametrize("probability", [0.2, 0.6])
def test_events_are_masked_as_often_as_told(probability):
    whole = np.ones((2000, 30), dtype=np.int64)
    inputs, _ = cloze(probability, np.random.default_rng(0))(whole)
    share = (inputs == MASK).mean(axis=0)
    assert share.mean() == pytest.approx(probability, abs=0.01)
    assert share.std() < 0.03


def test_every_epoch_masks_other_events():
    task = cloze(0.5, np.random.default_rng(0))
    whole = np.ones((5, 20), dtype=np.int64)
    assert not np.array_equal(task(whole)[0], task(whole)[0])
