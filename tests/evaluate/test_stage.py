"""The evaluate stage end to end: a trained model, a log, and ids as the only link between them."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from genair.config import EvaluateConfig, TrainConfig
from genair.data.ids import IdMap
from genair.data.interactions import read_interactions
from genair.data.sequences import build_sequences, leave_two_out
from genair.errors import InputError, UsageError
from genair.evaluate.measuring import Contender
from genair.evaluate.metrics import CUTOFFS
from genair.evaluate.ranking import rank_targets
from genair.evaluate.stage import evaluate
from genair.io.blocks import Block
from genair.io.checkpoints import read_model, write_model
from genair.io.embeddings import EmbeddingTable
from genair.io.jsonl import encode_line
from genair.models.base import restore_recommender
from genair.train.stage import train_on

N = 60
CPU = torch.device("cpu")
CONFIG = TrainConfig(items="text+id", dim=16, epochs=8, batch_size=16, max_length=8, learning_rate=0.01)


@pytest.fixture(scope="module")
def rows():
    """Return a log of users who walk round the catalogue, never all of it, and skip items now and then."""
    rng = np.random.default_rng(0)
    made = []
    for user, start in enumerate(rng.integers(N, size=50)):
        places = (start + np.cumsum(np.where(rng.random(8) < 0.2, rng.integers(2, 8, size=8), 1))) % N
        made += [
            {"user_id": f"u{user}", "item_id": f"i{place}", "timestamp": step}
            for step, place in enumerate(places)
        ]
    return made


def _sequences(rows, item_ids):
    log = read_interactions([Block(b"".join(map(encode_line, rows)), 1)], "log")
    return build_sequences(log, IdMap(item_ids), name="log")


@pytest.fixture(scope="module")
def model(rows):
    ids = [f"i{row}" for row in np.random.default_rng(1).permutation(N)]
    vectors = np.random.default_rng(2).normal(size=(N, 12)).astype(np.float32)
    table = EmbeddingTable(ids, vectors, [])
    return train_on(table, ids, _sequences(rows, ids), CONFIG, CPU, "ab", [].append).model


def _contender(model, name="model.h5"):
    restored = restore_recommender(model.config, model.weights, len(model.item_ids))
    return Contender(name, model, restored.scorer())


EXACT = EvaluateConfig()


def _evaluation(model, rows, config=EXACT, **more):
    sequences = _sequences(rows, model.item_ids)
    return evaluate(_contender(model), sequences, "ab", config, **more)


def _evaluate(model, rows, batch_size=None, config=EXACT):
    return _evaluation(model, rows, config, batch_size=batch_size).rows


def _close(one, other):
    return all(
        mine["value"] == pytest.approx(theirs["value"], abs=1e-6)
        for mine, theirs in zip(one, other, strict=True)
    )


@pytest.fixture(scope="module")
def found(model, rows):
    return _evaluate(model, rows)


def test_a_trained_model_is_measured_on_every_metric(found):
    assert sum(row["group"] == "all" for row in found) == 6 * len(CUTOFFS)
    assert {row["users"] for row in found if row["group"] == "all"} == {50}
    ndcg = next(row["value"] for row in found if (row["metric"], row["k"]) == ("ndcg", 10))
    assert ndcg > 0.3, "the planted order was learned, so items and vectors meet by id"


def test_it_is_the_test_events_that_are_ranked(model, rows):
    split = leave_two_out(_sequences(rows, model.item_ids))
    scorer = _contender(model).scorer
    ranks = _evaluation(model, rows).outcome.ranks.tolist()
    assert ranks == rank_targets(scorer, split.test, CONFIG.max_length).tolist()
    assert ranks != rank_targets(scorer, split.valid, CONFIG.max_length).tolist()


def _reordered(model, order, weights):
    """Give the model's items another order: the ids, and the weights of items if told so."""
    ids = [model.item_ids[row] for row in order]
    per_item = ("items.vectors", "items.ids.weight")
    moved = {name: w[order] if weights and name in per_item else w for name, w in model.weights.items()}
    return replace(model, item_ids=ids, weights=moved)


def test_items_are_joined_by_id_and_not_by_row(model, rows, found):
    order = np.random.default_rng(3).permutation(N)
    assert _close(_evaluate(_reordered(model, order, weights=True), rows), found)
    assert not _close(_evaluate(_reordered(model, order, weights=False), rows), found)


def test_the_order_of_users_in_the_log_does_not_matter(model, rows, found):
    backwards = sorted(rows, key=lambda row: (-int(row["user_id"][1:]), row["timestamp"]))
    mixed = [rows[place] for place in np.random.default_rng(4).permutation(len(rows))]
    assert backwards[0] != rows[0]
    assert _close(_evaluate(model, backwards), found)
    assert _close(_evaluate(model, mixed), found)


@pytest.mark.parametrize("batch_size", [1, 7])
def test_the_batch_size_does_not_matter(batch_size, model, rows, found):
    assert _close(_evaluate(model, rows, batch_size), found)


def test_a_model_from_a_file_gives_the_same_rows(model, rows, found, tmp_path):
    write_model(tmp_path / "model.h5", model)
    assert _evaluate(read_model(tmp_path / "model.h5", "model.h5"), rows) == found


def test_the_weights_matter(model, rows, found):
    untrained = {
        name: np.random.default_rng(5).normal(size=w.shape).astype(w.dtype)
        for name, w in model.weights.items()
    }
    assert not _close(_evaluate(replace(model, weights=untrained), rows), found)


def test_a_log_without_a_user_of_three_events_is_an_error(model, rows):
    with pytest.raises(InputError, match="no user has 3 events"):
        _evaluate(model, [row for row in rows if row["timestamp"] < 2])


def test_a_model_of_broken_numbers_is_an_error(model, rows):
    broken = {name: np.full_like(weight, np.nan) for name, weight in model.weights.items()}
    with pytest.raises(InputError, match="scores are not"):
        _evaluate(replace(model, weights=broken), rows)


def test_each_user_has_a_row_the_first_and_the_last_too(model, rows):
    evaluation = _evaluation(model, rows)
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
            "candidates": N - len(had[row["user_id"]] - {target}),
            "item_events": learned[target],
            "user_events": 6,
        }


def test_rows_and_summary_say_the_protocol(model, rows):
    exact, sampled = (_evaluation(model, rows, EvaluateConfig(negatives=number)) for number in (None, 9))
    assert {(row["split"], row["negatives"]) for row in exact.rows} == {("last-two", None)}
    assert {(row["split"], row["negatives"]) for row in sampled.rows} == {("last-two", 9)}
    assert "50 users, split last-two, ranked among all of 60 items" in exact.summary
    assert "ranked among 9 sampled items" in sampled.summary
    assert {row["candidates"] for row in sampled.per_user(model.item_ids)} == {10}


def test_among_sampled_items_ranks_are_better_and_lists_are_the_same(model, rows, found):
    sampled = _evaluation(model, rows, EvaluateConfig(negatives=20)).rows
    for mine, exact in zip(sampled, found, strict=True):
        assert (mine["metric"], mine["k"], mine["group"]) == (exact["metric"], exact["k"], exact["group"])
        if mine["metric"] in ("hr", "ndcg", "mrr"):
            assert mine["value"] >= exact["value"]
        else:
            assert mine["value"] == exact["value"]
    assert [row for row in sampled if row["k"] == 5] != [row for row in found if row["k"] == 5]


@pytest.mark.parametrize("batch_size", [None, 7])
def test_each_user_is_ranked_among_the_own_sampled_items(batch_size, model, rows):
    outcome = _evaluation(model, rows, EvaluateConfig(negatives=30), batch_size=batch_size).outcome
    test = outcome.task.split.test
    for user, rank in enumerate(outcome.ranks.tolist()):
        scores = _contender(model).scorer(test.histories.of(user)[None])[0].numpy()
        others = scores[outcome.task.negatives[user] - 1]
        assert rank == 1 + np.sum(others > scores[test.targets[user] - 1])


def test_the_seed_is_that_of_negatives_and_intervals(model, rows):
    def run(seed, negatives=None):
        return _evaluation(model, rows, EvaluateConfig(seed=seed, negatives=negatives))

    assert run(3).rows == run(3).rows
    assert run(3).rows != run(4).rows
    assert [row["value"] for row in run(3).rows] == [row["value"] for row in run(4).rows]
    assert run(3, 20).outcome.ranks.tolist() == run(3, 20).outcome.ranks.tolist()
    assert run(3, 20).outcome.ranks.tolist() != run(4, 20).outcome.ranks.tolist()


@pytest.mark.parametrize("negatives", [None, 20])
def test_against_itself_in_another_order_nothing_differs(model, rows, negatives):
    order = np.random.default_rng(3).permutation(N)
    again = _contender(_reordered(model, order, weights=True), "again.h5")
    config = EvaluateConfig(negatives=negatives)
    for row in _evaluation(model, rows, config, against=again).rows:
        assert row["against"] == pytest.approx(row["value"], abs=1e-6)
        assert row["difference"] == pytest.approx(0, abs=1e-6)
        if row["p"] is not None:
            assert row["p"] == 1
            assert row["difference_low"] == pytest.approx(0, abs=1e-6)


def test_against_another_the_differences_are_those_of_two_evaluations(model, rows, found):
    untrained = {
        name: np.random.default_rng(5).normal(size=w.shape).astype(w.dtype)
        for name, w in model.weights.items()
    }
    other = replace(model, weights=untrained)
    compared = _evaluation(model, rows, against=_contender(other)).rows
    assert len(compared) == len(found)
    for row, mine, theirs in zip(compared, found, _evaluate(other, rows), strict=True):
        assert {key: row[key] for key in mine} == mine
        assert row["against"] == pytest.approx(theirs["value"])
        assert row["difference"] == pytest.approx(mine["value"] - theirs["value"])
    ndcg = next(row for row in compared if (row["metric"], row["k"]) == ("ndcg", 10))
    assert ndcg["difference_low"] > 0
    assert ndcg["p"] == pytest.approx(1e-4)


def test_models_of_other_items_are_not_compared(model, rows):
    known = [f"other {row}" for row in range(N)]
    known[3] = model.item_ids[3]
    other = _contender(replace(model, item_ids=known), "other.h5")
    with pytest.raises(InputError, match=r"^other\.h5: does not know 59 items of the log, the first is 'i"):
        _evaluation(model, rows, against=other)


@pytest.fixture(scope="module")
def repeating(rows):
    """Return the log with every second user's last event one of the item that the user had first."""
    first = {row["user_id"]: row["item_id"] for row in reversed(rows)}
    return [
        row | {"item_id": first[row["user_id"]]}
        if row["timestamp"] == 7 and int(row["user_id"][1:]) % 2
        else row
        for row in rows
    ]


def test_events_of_items_that_the_user_had_are_measured_only_if_asked_for(model, repeating):
    new, every = (_evaluation(model, repeating, EvaluateConfig(keep_seen=flag)) for flag in (False, True))
    assert [(len(one.outcome.ranks), one.rows[0]["keep_seen"]) for one in (new, every)] == [
        (25, False),
        (50, True),
    ]
    assert new.caveats[0].startswith("25 of 50 users are left out")
    assert "25 users, split last-two, ranked among all of 60 items less those they had;" in new.summary
    assert "50 users, split last-two, ranked among all of 60 items;" in every.summary
    assert {row["candidates"] for row in every.per_user(model.item_ids)} == {N}


def test_where_the_history_is_kept_ranks_and_lists_are_those_of_all_items(model, repeating):
    outcome = _evaluation(model, repeating, EvaluateConfig(keep_seen=True)).outcome
    test = outcome.task.split.test
    seen = 0
    for user, (rank, listed) in enumerate(zip(outcome.ranks.tolist(), outcome.lists.tolist(), strict=True)):
        scores = _contender(model).scorer(test.histories.of(user)[None])[0].numpy()
        assert rank == 1 + np.sum(scores > scores[test.targets[user] - 1])
        assert listed == (np.argsort(-scores, kind="stable")[: max(CUTOFFS)] + 1).tolist()
        seen += len(set(listed[:10]) & set(test.histories.of(user).tolist()))
    assert seen > 0


def test_a_model_is_measured_as_it_was_validated_unless_told_otherwise(model, repeating):
    keeping = replace(model, config={**model.config, "keep_seen": True})
    unnamed = replace(model, config={k: value for k, value in model.config.items() if k != "keep_seen"})
    for one, config, wanted in (
        (keeping, EXACT, True),
        (unnamed, EXACT, False),
        (keeping, EvaluateConfig(keep_seen=False), False),
        (unnamed, EvaluateConfig(keep_seen=True), True),
    ):
        assert {row["keep_seen"] for row in _evaluate(one, repeating, config=config)} == {wanted}


def test_another_model_is_asked_for_the_same_events_however_it_was_validated(model, repeating):
    keeping = _contender(replace(model, config={**model.config, "keep_seen": True}))
    rows = _evaluation(model, repeating, against=keeping).rows
    assert {(row["keep_seen"], row["users"]) for row in rows if row["group"] == "all"} == {(False, 25)}
    assert {row["difference"] for row in rows} == {0}


def test_sampled_items_do_not_go_with_what_the_user_had(model, repeating):
    keeping = replace(model, config={**model.config, "keep_seen": True})
    with pytest.raises(UsageError, match=r"--negatives .* need --no-keep-seen"):
        EvaluateConfig(keep_seen=True, negatives=5)
    with pytest.raises(UsageError, match=r"--negatives .* need --no-keep-seen"):
        _evaluation(keeping, repeating, EvaluateConfig(negatives=5))
    assert (
        len(_evaluation(keeping, repeating, EvaluateConfig(keep_seen=False, negatives=5)).outcome.ranks) == 25
    )


def test_a_log_of_nothing_but_repeats_is_an_error_that_says_what_to_do(model, rows):
    same = [row | {"item_id": f"i{row['user_id'][1:]}"} for row in rows]
    with pytest.raises(InputError, match="its user had before: only --keep-seen predicts these"):
        _evaluate(model, same)
    assert len(_evaluation(model, same, EvaluateConfig(keep_seen=True)).outcome.ranks) == 50
