"""Rows of figures: one schema, right numbers beside right names."""

import json
import math
from statistics import mean, stdev

import numpy as np
import pytest

from genair.config import EvaluateConfig
from genair.evaluate.lists import LIST_MEASURES
from genair.evaluate.measuring import Outcome
from genair.evaluate.metrics import CUTOFFS, MEASURES, mean_at, per_user
from genair.evaluate.report import COMPARED, report
from genair.evaluate.task import make_task

KEYS = ["metric", "k", "group", "value", "stderr", "ci_low", "ci_high", "users"]
IDS = ["a", "b", "c", "d"]
HISTORIES = [[1, 2, 3], [1, 3, 2], [2, 3, 4], [2, 2, 2, 3, 1]]


@pytest.fixture
def outcome(toy_sequences):
    """Return ranks and lists of four users; items 1 and 2 are popular, the last user is long."""
    config = EvaluateConfig(tail_below=1, short_below=2)
    task = make_task(toy_sequences(HISTORIES, 4), IDS, "last-two", config)
    lists = np.zeros((4, 50), dtype=np.int64)
    lists[:, 0] = [4, 3, 3, 4]
    return Outcome(task, np.asarray([1.0, 3.0, 7.5, 60.0]), lists)


def _row(rows, metric, k, group="all"):
    return next(row for row in rows if (row["metric"], row["k"], row["group"]) == (metric, k, group))


def test_there_is_a_row_for_each_metric_cutoff_and_group(outcome):
    rows = list(report(outcome, seed=0))
    groups = ("all", "tail", "popular", "short", "long")
    wanted = [(name, k, group) for group in groups for name, k in MEASURES]
    wanted += [(name, k, "all") for name in LIST_MEASURES for k in CUTOFFS]
    assert [(row["metric"], row["k"], row["group"]) for row in rows] == wanted
    assert all(list(row) == KEYS for row in rows)
    assert [row["users"] for row in rows if (row["metric"], row["k"]) == ("hr", 5)] == [4, 2, 2, 3, 1]


def test_rows_are_plain_json(outcome):
    for against in (None, outcome):
        rows = list(report(outcome, against, seed=0))
        assert json.loads(json.dumps(rows, allow_nan=False)) == rows


def test_figures_by_hand(outcome):
    row = _row(list(report(outcome, seed=0)), "mrr", 10)
    values = [1, 1 / 3, 1 / 7.5, 0]
    assert row["value"] == pytest.approx(mean(values))
    assert row["stderr"] == pytest.approx(stdev(values) / math.sqrt(4))
    assert 0 <= row["ci_low"] < row["value"] < row["ci_high"] <= 1


def test_a_group_is_measured_by_its_own_users(outcome):
    rows = list(report(outcome, seed=0))
    masks = outcome.task.groups.masks()
    assert masks["tail"].tolist() == [True, False, True, False]
    for row in rows:
        if (row["metric"], row["k"]) in MEASURES:
            ranks = outcome.ranks[masks[row["group"]]]
            assert row["value"] == pytest.approx(mean_at(row["metric"], ranks, row["k"]))


def test_one_user_leaves_no_error_and_a_group_of_none_no_row(outcome, toy_sequences):
    assert _row(list(report(outcome, seed=0)), "hr", 5, "long") | {"value": 0} == {
        "metric": "hr", "k": 5, "group": "long", "value": 0, "stderr": None, "ci_low": None, "ci_high": None,
        "users": 1,
    }  # fmt: skip
    nobody = make_task(toy_sequences(HISTORIES, 4), IDS, "last-two", EvaluateConfig(tail_below=99))
    assert "popular" not in {
        row["group"] for row in report(Outcome(nobody, outcome.ranks, outcome.lists), seed=0)
    }


def test_measures_of_lists_take_their_first_items(outcome):
    outcome.lists[:, 5] = [1, 2, 1, 2]
    rows = list(report(outcome, seed=0))
    assert [_row(rows, "coverage", k)["value"] for k in (5, 10, 50)] == [0.5, 1, 1]
    assert _row(rows, "popularity", 5)["value"] == 0  # items 3 and 4 are never trained on
    assert _row(rows, "popularity", 10)["value"] > 0
    assert _row(rows, "gini", 5)["stderr"] is None


def test_beside_another_model_rows_say_how_they_differ(outcome):
    better = Outcome(outcome.task, np.asarray([1.0, 1.0, 2.0, 4.0]), outcome.lists[::-1].copy())
    rows = list(report(outcome, better, seed=0))
    assert all(list(row) == [*KEYS, *COMPARED] for row in rows)
    row = _row(rows, "mrr", 5)
    differences = per_user("mrr", outcome.ranks, 5) - per_user("mrr", better.ranks, 5)
    assert row["against"] == pytest.approx(mean_at("mrr", better.ranks, 5))
    assert row["difference"] == pytest.approx(differences.mean())
    assert row["difference_low"] < row["difference"] < row["difference_high"] <= 0
    assert row["p"] == pytest.approx(2 / 8, abs=0.02)  # of three users who differ, all patterns but two
    assert _row(rows, "gini", 5)["difference"] == 0
    assert _row(rows, "gini", 5)["p"] is None


def test_of_one_user_a_comparison_knows_only_the_difference(outcome):
    better = Outcome(outcome.task, np.ones(4), outcome.lists)
    row = _row(list(report(outcome, better, seed=0)), "mrr", 5, "long")
    assert (row["users"], row["against"]) == (1, 1)
    assert row["difference"] == row["value"] - 1
    assert [row[key] for key in ("difference_low", "difference_high", "p")] == [None] * 3
    assert list(row) == [*KEYS, *COMPARED]


def test_a_comparison_leaves_the_model_s_own_figures_alone(outcome):
    other = Outcome(outcome.task, outcome.ranks + 1, outcome.lists)
    for alone, beside in zip(report(outcome, seed=5), report(outcome, other, seed=5), strict=True):
        assert {key: beside[key] for key in KEYS} == alone


def test_a_group_s_interval_does_not_depend_on_the_other_groups(outcome, toy_sequences):
    config = EvaluateConfig(tail_below=99, short_below=2)
    other = Outcome(
        make_task(toy_sequences(HISTORIES, 4), IDS, "last-two", config), outcome.ranks, outcome.lists
    )
    for group in ("all", "short"):
        assert _row(list(report(outcome, seed=1)), "hr", 5, group) == _row(
            list(report(other, seed=1)), "hr", 5, group
        )
