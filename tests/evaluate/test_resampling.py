"""Intervals and p-values against scipy's slow and general ones, and where they are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from genair.evaluate.metrics import all_per_user
from genair.evaluate.resampling import RESAMPLES, intervals, p_values


def _rng(seed=0):
    return np.random.Generator(np.random.PCG64(seed))


def _values(users=300, seed=0, best=1.0):
    """Return the metrics of users with ranks like a recommender's."""
    return all_per_user(np.floor(best * np.exp(_rng(seed).uniform(0, 6, users))))


def test_intervals_are_scipy_s():
    values = _values()
    low, high = intervals(values, _rng())
    theirs = stats.bootstrap((values,), np.mean, axis=0, method="percentile", n_resamples=4000, rng=_rng(1))
    spread = values.std(axis=0) / np.sqrt(len(values))
    assert (np.abs(low - theirs.confidence_interval.low) < 0.15 * spread).all()
    assert (np.abs(high - theirs.confidence_interval.high) < 0.15 * spread).all()


def test_intervals_hold_the_truth_as_often_as_they_say():
    held = 0
    for trial in range(200):
        low, high = intervals(_rng(trial).binomial(1, 0.3, (150, 1)).astype(float), _rng(1000 + trial))
        held += int(low[0] <= 0.3 <= high[0])
    assert 180 <= held <= 198  # 190 wanted


def test_every_user_weighs_alike_the_first_and_the_last_too():
    for place in (0, 4):
        values = np.zeros((5, 1))
        values[place] = 1
        low, high = intervals(values, _rng())
        assert low[0] == 0
        assert high[0] == pytest.approx(stats.binom(5, 1 / 5).ppf(0.975) / 5)


@pytest.mark.parametrize("value", [0.0, 0.25, 1.0])
def test_users_who_agree_leave_no_doubt(value):
    low, high = intervals(np.full((7, 3), value), _rng())
    np.testing.assert_allclose([low, high], value)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 4), min_size=2, max_size=12), st.integers(0, 9))
def test_the_mean_lies_in_its_interval_which_the_seed_decides(values, seed):
    column = np.asarray(values, dtype=float)[:, None]
    low, high = intervals(column, _rng(seed))
    assert low[0] - 1e-12 <= column.mean() <= high[0] + 1e-12
    assert [low.tolist(), high.tolist()] == [bound.tolist() for bound in intervals(column, _rng(seed))]


def test_there_are_enough_resamples_for_the_tails():
    assert RESAMPLES * 0.025 >= 250


@pytest.mark.parametrize("seed", range(3))
def test_p_is_scipy_s(seed):
    differences = _values(200, seed, best=1.0) - _values(200, seed + 10, best=1.3)
    found = p_values(differences, _rng())
    theirs = stats.permutation_test(
        (differences,), lambda x, axis: np.abs(np.mean(x, axis=axis)), permutation_type="samples",
        alternative="greater", n_resamples=9999, axis=0, vectorized=True, batch=500, rng=_rng(seed),
    ).pvalue  # fmt: skip
    assert (np.abs(found - theirs) < 4 * np.sqrt(2 * theirs * (1 - theirs) / 9999) + 1e-4).all()


def test_p_by_hand_from_all_patterns():
    differences = np.asarray([[1.0], [2.0], [4.0], [0.0]])
    assert p_values(differences, _rng())[0] == pytest.approx(2 / 8, abs=0.02)  # +++ and --- of eight
    assert p_values(np.asarray([[1.0], [-2.0], [2.0]]), _rng())[0] == pytest.approx(8 / 8)


def test_no_difference_has_a_p_of_one_and_a_plain_one_the_least():
    assert p_values(np.zeros((5, 2)), _rng()).tolist() == [1, 1]
    assert p_values(np.ones((500, 1)), _rng())[0] == pytest.approx(1e-4)


def test_p_does_not_depend_on_who_is_better_and_on_users_who_are_level():
    differences = _values(80, 1) - _values(80, 2)
    found = p_values(differences, _rng())
    assert p_values(-differences, _rng()).tolist() == found.tolist()
    padded = np.concatenate([np.zeros((50, 12)), differences, np.zeros((9, 12))])
    assert p_values(padded, _rng()).tolist() == found.tolist()


def test_under_the_null_hypothesis_p_is_uniform():
    found = [p_values(_rng(trial).normal(size=(40, 1)), _rng(trial + 500))[0] for trial in range(150)]
    assert stats.kstest(found, "uniform").pvalue > 0.001
