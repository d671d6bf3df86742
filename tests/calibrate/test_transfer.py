"""Recommending from a space as it is: by hand, against a double loop, and never by the answer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.calibrate.diagnostics import unit_rows
from genair.calibrate.transfer import nearest, neighbours_kept, transfer_ndcg
from genair.data.sequences import Held


def _fan(*degrees):
    """Return unit vectors at these angles."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def _random(items, dim, seed=0):
    return unit_rows(np.random.default_rng(seed).normal(size=(items, dim)).astype(np.float32))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=4), min_size=1, max_size=4))
def test_scores_are_cosines_to_the_mean_of_the_history(histories):
    unit = _random(6, 4)
    width = max(map(len, histories))
    padded = np.asarray([history + [0] * (width - len(history)) for history in histories])
    found = nearest(unit)(padded).numpy()
    for row, history in zip(found, histories, strict=True):
        mean = unit[np.asarray(history) - 1].mean(axis=0)
        wanted = [mean @ item / max(np.linalg.norm(mean), 1e-12) for item in unit]
        np.testing.assert_allclose(row, wanted, atol=1e-5)


def test_the_nearest_item_comes_first_and_what_was_had_not_at_all(toy_sequences):
    unit = _fan(0, 10, 30, 90)
    first = Held(toy_sequences([[1]], 4), np.asarray([2]))
    assert transfer_ndcg(unit, first, seed=0) == 1
    second = Held(toy_sequences([[1]], 4), np.asarray([3]))
    assert transfer_ndcg(unit, second, seed=0) == pytest.approx(1 / np.log2(3))
    had = Held(toy_sequences([[2, 1]], 4), np.asarray([3]))
    assert transfer_ndcg(unit, had, seed=0) == 1


def test_the_better_of_one_and_five_recent_events_counts(toy_sequences):
    unit = _fan(0, 90, 40, 100, 97, 200)  # the last event is item 2; both together are near item 3
    histories = toy_sequences([[1, 2]], 6)
    by_both = transfer_ndcg(unit, Held(histories, np.asarray([3])), seed=0)
    by_last = transfer_ndcg(unit, Held(histories, np.asarray([5])), seed=0)
    assert (by_both, by_last) == (1, 1)


def test_at_most_five_thousand_users_are_asked_by_seed(toy_sequences):
    unit = _random(30, 4)
    rng = np.random.default_rng(0)
    held = Held(toy_sequences(rng.integers(1, 31, (6000, 2)).tolist(), 30), rng.integers(1, 31, 6000))
    assert transfer_ndcg(unit, held, seed=1) == transfer_ndcg(unit, held, seed=1)
    assert transfer_ndcg(unit, held, seed=1) != transfer_ndcg(unit, held, seed=2)


def test_neighbours_are_kept_by_rotation_and_lost_by_chance():
    unit = _random(300, 8)
    rotation, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(8, 8)))
    assert neighbours_kept(unit, (unit @ rotation).astype(np.float32), seed=0) > 0.99
    assert neighbours_kept(unit, _random(300, 8, seed=5), seed=0) == pytest.approx(10 / 299, abs=0.02)
    assert neighbours_kept(unit[:2], unit[:2], seed=0) == 1
