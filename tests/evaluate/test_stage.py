"""The evaluate stage end to end: a trained model, a log, and ids as the only link between them."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from genair.config import EvaluateConfig
from genair.data.sequences import leave_two_out
from genair.errors import InputError
from genair.evaluate.metrics import CUTOFFS
from genair.evaluate.ranking import rank_targets
from genair.io.checkpoints import read_model, write_model


def _close(one, other):
    return all(
        mine["value"] == pytest.approx(theirs["value"], abs=1e-6)
        for mine, theirs in zip(one, other, strict=True)
    )


@pytest.fixture(scope="module")
def found(model, rows, figures_of):
    return figures_of(model, rows)


def test_a_trained_model_is_measured_on_every_metric(found):
    assert sum(row["group"] == "all" for row in found) == 6 * len(CUTOFFS)
    assert {row["users"] for row in found if row["group"] == "all"} == {50}
    ndcg = next(row["value"] for row in found if (row["metric"], row["k"]) == ("ndcg", 10))
    assert ndcg > 0.3, "the planted order was learned, so items and vectors meet by id"


def test_it_is_the_test_events_that_are_ranked(
    model, rows, train_config, sequences_of, contender_of, evaluation_of
):
    split = leave_two_out(sequences_of(rows, model.item_ids))
    scorer = contender_of(model).scorer
    ranks = evaluation_of(model, rows).outcome.ranks.tolist()
    assert ranks == rank_targets(scorer, split.test, train_config.max_length).tolist()
    assert ranks != rank_targets(scorer, split.valid, train_config.max_length).tolist()


def _reordered(model, order, weights):
    """Give the model's items another order: the ids, and the weights of items if told so."""
    ids = [model.item_ids[row] for row in order]
    per_item = ("items.vectors", "items.ids.weight")
    moved = {name: w[order] if weights and name in per_item else w for name, w in model.weights.items()}
    return replace(model, item_ids=ids, weights=moved)


def test_items_are_joined_by_id_and_not_by_row(model, rows, found, figures_of, n_items):
    order = np.random.default_rng(3).permutation(n_items)
    assert _close(figures_of(_reordered(model, order, weights=True), rows), found)
    assert not _close(figures_of(_reordered(model, order, weights=False), rows), found)


def test_the_order_of_users_in_the_log_does_not_matter(model, rows, found, figures_of):
    backwards = sorted(rows, key=lambda row: (-int(row["user_id"][1:]), row["timestamp"]))
    mixed = [rows[place] for place in np.random.default_rng(4).permutation(len(rows))]
    assert backwards[0] != rows[0]
    assert _close(figures_of(model, backwards), found)
    assert _close(figures_of(model, mixed), found)


@pytest.mark.parametrize("batch_size", [1, 7])
def test_the_batch_size_does_not_matter(batch_size, model, rows, found, figures_of):
    assert _close(figures_of(model, rows, batch_size), found)


def test_a_model_from_a_file_gives_the_same_rows(model, rows, found, tmp_path, figures_of):
    write_model(tmp_path / "model.h5", model)
    assert figures_of(read_model(tmp_path / "model.h5", "model.h5"), rows) == found


def test_the_weights_matter(model, rows, found, figures_of):
    untrained = {
        name: np.random.default_rng(5).normal(size=w.shape).astype(w.dtype)
        for name, w in model.weights.items()
    }
    assert not _close(figures_of(replace(model, weights=untrained), rows), found)


def test_a_log_without_a_user_of_three_events_is_an_error(model, rows, figures_of):
    with pytest.raises(InputError, match="no user has 3 events"):
        figures_of(model, [row for row in rows if row["timestamp"] < 2])


def test_a_model_of_broken_numbers_is_an_error(model, rows, figures_of):
    broken = {name: np.full_like(weight, np.nan) for name, weight in model.weights.items()}
    with pytest.raises(InputError, match="scores are not"):
        figures_of(replace(model, weights=broken), rows)


def test_each_user_has_a_row_the_first_and_the_last_too(model, rows, evaluation_of, n_items):
    evaluation = evaluation_of(model, rows)
    found = list(evaluation.per_user(model.item_ids))
    assert [row["user_id"] for row in found] == [f"u{user}" for user in range(50)]
    last = {row["user_id"]: row["item_id"] for row in rows}  # in time order: the last one stays
    learned = Counter(row["item_id"] for row in rows if row["timestamp"] < 6)
    had = {user: {r["item_id"] for r in rows if r["user_id"] == user and r["timestamp"] < 7} for user in last}
    for row, rank in zip(found, evaluation.outcome.ranks.tolist(), strict=True):
        target = last[row["user_id"]]
        assert row == {
            "user_id": row["user_id"],
            "item_id": target,
            "rank": rank,
            "candidates": n_items - len(had[row["user_id"]] - {target}),
            "item_events": learned[target],
            "user_events": 6,
        }


def test_rows_and_summary_say_the_protocol(model, rows, evaluation_of):
    exact, sampled = (evaluation_of(model, rows, EvaluateConfig(negatives=number)) for number in (None, 9))
    assert {(row["split"], row["negatives"]) for row in exact.rows} == {("last-two", None)}
    assert {(row["split"], row["negatives"]) for row in sampled.rows} == {("last-two", 9)}
    assert "50 users, split last-two, ranked among all of 60 items" in exact.summary
    assert "ranked among 9 sampled items" in sampled.summary
    assert {row["candidates"] for row in sampled.per_user(model.item_ids)} == {10}


def test_among_sampled_items_ranks_are_better_and_lists_are_the_same(model, rows, found, evaluation_of):
    sampled = evaluation_of(model, rows, EvaluateConfig(negatives=20)).rows
    for mine, exact in zip(sampled, found, strict=True):
        assert (mine["metric"], mine["k"], mine["group"]) == (exact["metric"], exact["k"], exact["group"])
        if mine["metric"] in ("hr", "ndcg", "mrr"):
            assert mine["value"] >= exact["value"]
        else:
            assert mine["value"] == exact["value"]
    assert [row for row in sampled if row["k"] == 5] != [row for row in found if row["k"] == 5]


@pytest.mark.parametrize("batch_size", [None, 7])
def test_each_user_is_ranked_among_the_own_sampled_items(
    batch_size, model, rows, contender_of, evaluation_of
):
    outcome = evaluation_of(model, rows, EvaluateConfig(negatives=30), batch_size=batch_size).outcome
    test = outcome.task.split.test
    for user, rank in enumerate(outcome.ranks.tolist()):
        scores = contender_of(model).scorer(test.histories.of(user)[None])[0].numpy()
        others = scores[outcome.task.negatives[user] - 1]
        assert rank == 1 + np.sum(others > scores[test.targets[user] - 1])


def test_the_seed_is_that_of_negatives_and_intervals(model, rows, evaluation_of):
    def run(seed, negatives=None):
        return evaluation_of(model, rows, EvaluateConfig(seed=seed, negatives=negatives))

    assert run(3).rows == run(3).rows
    assert run(3).rows != run(4).rows
    assert [row["value"] for row in run(3).rows] == [row["value"] for row in run(4).rows]
    assert run(3, 20).outcome.ranks.tolist() == run(3, 20).outcome.ranks.tolist()
    assert run(3, 20).outcome.ranks.tolist() != run(4, 20).outcome.ranks.tolist()


@pytest.mark.parametrize("negatives", [None, 20])
def test_against_itself_in_another_order_nothing_differs(
    model, rows, negatives, contender_of, evaluation_of, n_items
):
    order = np.random.default_rng(3).permutation(n_items)
    again = contender_of(_reordered(model, order, weights=True), "again.h5")
    config = EvaluateConfig(negatives=negatives)
    for row in evaluation_of(model, rows, config, against=again).rows:
        assert row["against"] == pytest.approx(row["value"], abs=1e-6)
        assert row["difference"] == pytest.approx(0, abs=1e-6)
        if row["p"] is not None:
            assert row["p"] == 1
            assert row["difference_low"] == pytest.approx(0, abs=1e-6)


def test_against_another_the_differences_are_those_of_two_evaluations(
    model, rows, found, contender_of, evaluation_of, figures_of
):
    untrained = {
        name: np.random.default_rng(5).normal(size=w.shape).astype(w.dtype)
        for name, w in model.weights.items()
    }
    other = replace(model, weights=untrained)
    compared = evaluation_of(model, rows, against=contender_of(other)).rows
    assert len(compared) == len(found)
    for row, mine, theirs in zip(compared, found, figures_of(other, rows), strict=True):
        assert {key: row[key] for key in mine} == mine
        assert row["against"] == pytest.approx(theirs["value"])
        assert row["difference"] == pytest.approx(mine["value"] - theirs["value"])
    ndcg = next(row for row in compared if (row["metric"], row["k"]) == ("ndcg", 10))
    assert ndcg["difference_low"] > 0
    assert ndcg["p"] == pytest.approx(1e-4)


def test_models_of_other_items_are_not_compared(model, rows, contender_of, evaluation_of, n_items):
    known = [f"other {row}" for row in range(n_items)]
    known[3] = model.item_ids[3]
    other = contender_of(replace(model, item_ids=known), "other.h5")
    with pytest.raises(InputError, match=r"^other\.h5: does not know 59 items of the log, the first is 'i"):
        evaluation_of(model, rows, against=other)
