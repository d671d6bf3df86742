"""The evaluate stage end to end: a trained model, a log, and ids as the only link between them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from genair.config import TrainConfig
from genair.data.ids import IdMap
from genair.data.interactions import read_interactions
from genair.data.sequences import build_sequences, leave_two_out
from genair.errors import InputError
from genair.evaluate.metrics import CUTOFFS, report
from genair.evaluate.ranking import rank_targets
from genair.evaluate.stage import evaluate
from genair.io.checkpoints import read_model, write_model
from genair.io.embeddings import EmbeddingTable
from genair.models.base import restore_recommender
from genair.train.stage import train_on

N = 60
CPU = torch.device("cpu")
CONFIG = TrainConfig(items="text+id", dim=16, epochs=8, batch_size=16, max_length=8, learning_rate=0.01)


@pytest.fixture(scope="module")
def rows():
    """Return a log of users who walk round the catalogue and jump now and then."""
    rng = np.random.default_rng(0)
    made = []
    for user, start in enumerate(rng.integers(N, size=50)):
        places = (start + np.cumsum(np.where(rng.random(8) < 0.2, rng.integers(N, size=8), 1))) % N
        made += [
            {"user_id": f"u{user}", "item_id": f"i{place}", "timestamp": step}
            for step, place in enumerate(places)
        ]
    return made


def _sequences(rows, item_ids):
    log = read_interactions([(f"log:{line}", row) for line, row in enumerate(rows, 1)], "log")
    return build_sequences(log, IdMap(item_ids), name="log")


@pytest.fixture(scope="module")
def model(rows):
    ids = [f"i{row}" for row in np.random.default_rng(1).permutation(N)]
    vectors = np.random.default_rng(2).normal(size=(N, 12)).astype(np.float32)
    table = EmbeddingTable(ids, vectors, [])
    return train_on(table, ids, _sequences(rows, ids), CONFIG, CPU, "ab", [].append).model


def _evaluate(model, rows, batch_size=512):
    scorer = restore_recommender(model.config, model.weights, len(model.item_ids)).scorer()
    return evaluate(scorer, _sequences(rows, model.item_ids), CONFIG.max_length, batch_size)


def _close(one, other):
    return all(
        mine["value"] == pytest.approx(theirs["value"], abs=1e-6)
        for mine, theirs in zip(one, other, strict=True)
    )


@pytest.fixture(scope="module")
def found(model, rows):
    return _evaluate(model, rows)


def test_a_trained_model_is_measured_on_every_metric(found):
    assert len(found) == 3 * len(CUTOFFS)
    assert {row["users"] for row in found} == {50}
    ndcg = next(row["value"] for row in found if (row["metric"], row["k"]) == ("ndcg", 10))
    assert ndcg > 0.3, "the planted order was learned, so items and vectors meet by id"


def test_it_is_the_test_events_that_are_ranked(model, rows, found):
    split = leave_two_out(_sequences(rows, model.item_ids))
    again = restore_recommender(model.config, model.weights, N)
    assert found == list(report(rank_targets(again.scorer(), split.test, CONFIG.max_length)))
    assert found != list(report(rank_targets(again.scorer(), split.valid, CONFIG.max_length)))


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
