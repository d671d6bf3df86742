"""Metrics against cases worked out by hand."""

import math
from statistics import mean, stdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genair.evaluate.metrics import CUTOFFS, METRICS, mean_at, per_user, report

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


def test_the_report_has_one_row_for_each_metric_and_cutoff():
    rows = list(report(RANKS))
    assert [(row["metric"], row["k"]) for row in rows] == [
        (name, k) for name in ("hr", "ndcg", "mrr") for k in (5, 10, 20, 50)
    ]
    for row in rows:
        assert list(row) == ["metric", "k", "group", "value", "stderr", "users"]
        assert (row["group"], row["users"]) == ("all", 10)
        assert row["value"] == pytest.approx(mean_at(row["metric"], RANKS, row["k"]))


def test_the_report_is_made_of_plain_json_values():
    for row in report(RANKS, group="tail"):
        assert type(row["value"]) is type(row["stderr"]) is float
        assert type(row["users"]) is int
        assert row["group"] == "tail"


def test_the_standard_error_is_that_of_the_mean_over_users():
    row = next(row for row in report(RANKS) if (row["metric"], row["k"]) == ("mrr", 5))
    values = [1, 1 / 3, 1 / 5, *[0] * 7]
    assert row["value"] == pytest.approx(mean(values))
    assert row["stderr"] == pytest.approx(stdev(values) / math.sqrt(10))


def test_users_who_agree_have_no_standard_error_above_zero():
    assert {row["stderr"] for row in report(np.asarray([2.0, 2.0, 2.0]))} == {0.0}


def test_one_user_has_no_standard_error():
    rows = list(report(np.asarray([2.0])))
    assert {row["stderr"] for row in rows} == {None}
    assert {row["users"] for row in rows} == {1}
