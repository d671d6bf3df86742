"""Metrics against cases worked out by hand, and against a library of others."""

import math

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import Qrel, ScoredDoc

from genair.evaluate.metrics import CUTOFFS, MEASURES, METRICS, all_per_user, mean_at, per_user

RANKS = np.asarray([1.0, 3.0, 5.0, 5.5, 10.0, 20.0, 20.5, 50.0, 51.0, 1000.0])

BY_HAND = {
    ("hr", 5): 3 / 10,
    ("hr", 10): 5 / 10,
    ("hr", 20): 6 / 10,
    ("hr", 50): 8 / 10,
    ("mrr", 5): (1 + 1 / 3 + 1 / 5) / 10,
    ("mrr", 10): (1 + 1 / 3 + 1 / 5 + 2 / 11 + 1 / 10) / 10,
    ("mrr", 20): (1 + 1 / 3 + 1 / 5 + 2 / 11 + 1 / 10 + 1 / 20) / 10,
    ("mrr", 50): (1 + 1 / 3 + 1 / 5 + 2 / 11 + 1 / 10 + 1 / 20 + 2 / 41 + 1 / 50) / 10,
    ("ndcg", 5): (1 + 1 / 2 + 1 / math.log2(6)) / 10,
    ("ndcg", 10): (1 + 1 / 2 + 1 / math.log2(6) + 1 / math.log2(6.5) + 1 / math.log2(11)) / 10,
}


@pytest.mark.parametrize(("name", "k"), BY_HAND)
def test_metrics_by_hand(name, k):
    assert mean_at(name, RANKS, k) == pytest.approx(BY_HAND[name, k])


@pytest.mark.parametrize("k", CUTOFFS)
@pytest.mark.parametrize("name", METRICS)
def test_a_rank_at_the_cutoff_counts_and_half_a_step_beyond_does_not(name, k):
    at, beyond = per_user(name, np.asarray([k, k + 0.5], dtype=float), k)
    assert at > 0
    assert beyond == 0


@pytest.mark.parametrize("k", CUTOFFS)
@pytest.mark.parametrize("name", METRICS)
def test_the_first_rank_earns_one(name, k):
    assert per_user(name, np.asarray([1.0]), k).tolist() == [1]


def test_per_user_values_by_hand():
    ranks = np.asarray([1, 1.5, 3, 10, 10.5])
    assert per_user("hr", ranks, 10).tolist() == [1, 1, 1, 1, 0]
    np.testing.assert_allclose(per_user("mrr", ranks, 10), [1, 2 / 3, 1 / 3, 0.1, 0])
    np.testing.assert_allclose(
        per_user("ndcg", ranks, 10), [1, 1 / math.log2(2.5), 0.5, 1 / math.log2(11), 0]
    )


@given(st.lists(st.integers(2, 300).map(lambda halves: halves / 2), min_size=1, max_size=20))
def test_mrr_is_at_most_ndcg_is_at_most_hr_and_all_grow_with_k(ranks):
    ranks = np.asarray(ranks)
    for k in CUTOFFS:
        assert (per_user("mrr", ranks, k) <= per_user("ndcg", ranks, k)).all()
        assert (per_user("ndcg", ranks, k) <= per_user("hr", ranks, k)).all()
    for name in METRICS:
        found = [mean_at(name, ranks, k) for k in CUTOFFS]
        assert found == sorted(found)


def test_all_values_come_in_the_order_of_their_names():
    values = all_per_user(RANKS)
    assert values.shape == (10, 12)
    assert list(MEASURES) == [(name, k) for name in ("hr", "ndcg", "mrr") for k in (5, 10, 20, 50)]
    for column, (name, k) in zip(values.T, MEASURES, strict=True):
        assert column.tolist() == per_user(name, RANKS, k).tolist()


def _ranked_documents(rank):
    """Return a run in which the target has this rank of 60; whole ranks only."""
    others = [ScoredDoc("q", f"d{place}", -float(place)) for place in range(1, 61) if place != rank]
    return [*others, ScoredDoc("q", "target", -float(rank))] if rank <= 60 else others


@pytest.mark.parametrize("rank", [1, 2, 3, 5, 6, 10, 11, 20, 21, 50, 51, 1000])
def test_metrics_are_those_of_a_vetted_library(rank):
    theirs = {"hr": ir_measures.Success, "ndcg": ir_measures.nDCG, "mrr": ir_measures.RR}
    measures = {(name, k): theirs[name] @ k for name, k in MEASURES}
    judged = [Qrel("q", "target", 1)]
    found = ir_measures.calc_aggregate(measures.values(), judged, _ranked_documents(rank))
    for (name, k), measure in measures.items():
        assert mean_at(name, np.asarray([float(rank)]), k) == pytest.approx(found[measure])
