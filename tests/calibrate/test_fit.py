"""Calibration learns from behaviour, from all of it, and from nothing else."""

import math
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from genair.calibrate.adapter import Adapter
from genair.calibrate.fit import calibrate
from genair.config import CalibrateConfig, GraphConfig
from genair.data import SCORES
from genair.data.association import associate
from genair.errors import InputError

QUICK = CalibrateConfig(dim=8, steps=15, learning_rate=5e-3)
LONG = CalibrateConfig(dim=16, steps=80, learning_rate=0.01, holdout=0.2)


def _random(items, dim, seed=0):
    return np.random.default_rng(seed).normal(size=(items, dim)).astype(np.float32)


@pytest.mark.parametrize("seed", [0, 1])
def test_held_out_pairs_come_nearer_than_random_ones(seed, toy_clusters):
    found = calibrate(*toy_clusters, replace(LONG, seed=seed))
    assert found.before.auc < 0.65
    assert found.after.auc > found.before.auc + 0.1
    assert found.after.effective_rank > 8


def test_behaviour_without_structure_teaches_nothing_about_held_out_pairs(toy_clusters, toy_sequences):
    rng = np.random.default_rng(0)
    dealt = np.concatenate([rng.permutation(80) + 1 for _ in range(9)])  # all items equally popular
    histories = dealt.reshape(-1, 2).tolist()  # a longer history is a clique, which tells of its missing pair
    found = calibrate(toy_clusters[0], toy_sequences(histories, 80), LONG)
    assert found.after.auc_matched == pytest.approx(0.5, abs=0.08)


def test_each_step_tells_its_loss_and_the_loss_falls(toy_clusters):
    losses = []
    calibrate(*toy_clusters, replace(QUICK, steps=30), losses.append)
    assert len(losses) == 30
    assert losses[-1] < losses[0] - 0.1


def test_the_result_is_one_unit_vector_an_item(toy_clusters):
    found = calibrate(*toy_clusters, QUICK).vectors
    assert found.shape == (80, 8)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)


def test_the_same_seed_gives_the_same_bytes(toy_clusters):
    one, other = calibrate(*toy_clusters, QUICK), calibrate(*toy_clusters, QUICK)
    assert one.vectors.tobytes() == other.vectors.tobytes()
    assert repr(one.after) == repr(other.after)  # nan where nothing was measured


def test_the_callers_random_numbers_and_vectors_are_left_alone(toy_clusters):
    vectors, train = toy_clusters
    given, state = vectors.copy(), torch.get_rng_state()
    calibrate(vectors, train, QUICK)
    assert torch.equal(torch.get_rng_state(), state)
    assert np.array_equal(vectors, given)


_CHANGES = {
    "objective": "paper",
    "dim": 9,
    "gamma": 1.0,
    "holdout": 0.3,
    "steps": 16,
    "learning_rate": 1e-3,
    "seed": 1,
    "graph": GraphConfig(score="cosine"),
}
_GRAPHS = {"window": 1, "min_count": 2, "user_norm": "size", "score": "jaccard", "max_pairs": 200}


def test_every_setting_is_tried():
    assert set(_CHANGES) == {field.name for field in fields(CalibrateConfig)}
    assert set(_GRAPHS) == {field.name for field in fields(GraphConfig)}


@pytest.mark.parametrize("name", _CHANGES)
def test_every_setting_changes_the_result(name, toy_clusters):
    changed = calibrate(*toy_clusters, replace(QUICK, **{name: _CHANGES[name]})).vectors
    assert not np.array_equal(changed, calibrate(*toy_clusters, QUICK).vectors)


@pytest.mark.parametrize("name", _GRAPHS)
def test_every_setting_of_the_graph_changes_the_result(name, toy_clusters, toy_sequences):
    vectors, clusters = toy_clusters
    histories = [clusters.of(user).tolist()[user % 4 :] for user in range(len(clusters))]  # 2 to 6 items
    train = toy_sequences(histories, 80)
    graph = GraphConfig(**{name: _GRAPHS[name]})
    changed = calibrate(vectors, train, replace(QUICK, graph=graph)).vectors
    assert not np.array_equal(changed, calibrate(vectors, train, QUICK).vectors)


def test_each_score_gives_a_space_of_its_own(toy_clusters):
    graphs = [GraphConfig(score=score) for score in SCORES.names()]
    spaces = {calibrate(*toy_clusters, replace(QUICK, graph=graph)).vectors.tobytes() for graph in graphs}
    assert len(spaces) == len(graphs)


def test_pairs_over_the_cap_are_dropped_and_counted(toy_clusters):
    every = calibrate(*toy_clusters, QUICK)
    cut = calibrate(*toy_clusters, replace(QUICK, graph=GraphConfig(max_pairs=200)))
    assert every.dropped == 0
    assert len(cut.graph) + len(cut.held) + cut.dropped == len(every.graph) + len(every.held)
    assert 0 < len(cut.graph) + len(cut.held) <= 200


def test_the_last_item_has_its_own_vector(toy_clusters):
    vectors, train = toy_clusters
    twin, other = vectors.copy(), vectors.copy()
    twin[-1] = vectors[0]
    other[-1] = -vectors[0]
    near = calibrate(twin, train, QUICK).vectors
    far = calibrate(other, train, QUICK).vectors
    assert near[-1] @ near[0] == pytest.approx(1, abs=1e-5)
    assert far[-1] @ far[0] < 0.9


def test_the_last_items_behaviour_counts(toy_sequences):
    vectors = _random(12, 6)
    one = calibrate(vectors, toy_sequences([[1, 2, 3], [4, 12]], 12), replace(QUICK, holdout=0))
    other = calibrate(vectors, toy_sequences([[1, 2, 3], [5, 12]], 12), replace(QUICK, holdout=0))
    assert one.vectors[11] @ one.vectors[3] > other.vectors[11] @ other.vectors[3]
    assert one.vectors[11] @ one.vectors[4] < other.vectors[11] @ other.vectors[4]


def test_vectors_follow_their_items_when_the_catalogue_is_reordered(toy_clusters, toy_sequences):
    vectors, train = toy_clusters
    order = np.random.default_rng(0).permutation(80)  # new row r holds old row order[r]
    place = np.argsort(order)
    histories = [(place[train.of(user) - 1] + 1).tolist() for user in range(len(train))]
    config = replace(QUICK, holdout=0)
    moved = calibrate(vectors[order], toy_sequences(histories, 80), config).vectors
    np.testing.assert_allclose(moved, calibrate(vectors, train, config).vectors[order], atol=1e-3)


def test_items_without_behaviour_get_vectors_too(toy_sequences):
    found = calibrate(_random(30, 6), toy_sequences([[1, 2], [2, 3], [29]], 30), QUICK).vectors
    assert np.isfinite(found).all()
    assert len(np.unique(found.round(4), axis=0)) == 30


def test_the_weights_reproduce_the_vectors(toy_clusters):
    vectors, train = toy_clusters
    found = calibrate(vectors, train, QUICK)
    adapter = Adapter(vectors.shape[1], QUICK.dim)
    adapter.load_state_dict({name: torch.tensor(value) for name, value in found.weights.items()})
    with torch.no_grad():
        again = functional.normalize(adapter(torch.from_numpy(vectors)), dim=1)
    assert np.array_equal(again.numpy(), found.vectors)


def test_held_pairs_are_not_learned_from(toy_clusters):
    vectors, train = toy_clusters
    found = calibrate(vectors, train, replace(QUICK, holdout=0.25))
    kept, held = ({*zip(part.rows, part.columns, strict=True)} for part in (found.graph, found.held))
    every = associate(train)
    assert not kept & held
    assert kept | held == {*zip(every.rows, every.columns, strict=True)}
    assert len(held) == round(0.25 * len(every))


def test_the_seed_chooses_the_held_pairs(toy_clusters):
    held = [calibrate(*toy_clusters, replace(QUICK, seed=seed)).held for seed in (0, 0, 1)]
    assert np.array_equal(held[0].rows, held[1].rows)
    assert not np.array_equal(held[0].rows, held[2].rows)


def test_without_held_pairs_calibration_works_and_claims_nothing(toy_clusters):
    found = calibrate(*toy_clusters, replace(QUICK, holdout=0))
    assert len(found.held) == 0
    assert math.isnan(found.after.auc)
    assert np.isfinite(found.vectors).all()


@pytest.mark.parametrize("histories", [[[1], [2], [3]], [[2, 2, 2]], []])
def test_items_never_consumed_together_are_an_error(histories, toy_sequences):
    with pytest.raises(InputError, match="no two items share a user"):
        calibrate(_random(3, 4), toy_sequences(histories, 3), QUICK)


def test_a_graph_that_the_least_count_empties_is_an_error_that_names_it(toy_sequences):
    config = replace(QUICK, graph=GraphConfig(min_count=3))
    with pytest.raises(InputError, match="--min-count 3 and --score log leave no pair"):
        calibrate(_random(3, 4), toy_sequences([[1, 2], [2, 1]], 3), config)


def test_one_item_is_an_error(toy_sequences):
    with pytest.raises(InputError, match="no two items share a user"):
        calibrate(_random(1, 4), toy_sequences([[1, 1, 1]], 1), QUICK)


def test_two_items_are_enough(toy_sequences):
    found = calibrate(_random(2, 4), toy_sequences([[1, 2]], 2), QUICK)
    assert np.isfinite(found.vectors).all()


def test_holding_out_every_pair_is_an_error_that_names_the_holdout(toy_sequences):
    with pytest.raises(InputError, match="holdout"):
        calibrate(_random(3, 4), toy_sequences([[1, 2]], 3), replace(QUICK, holdout=0.9))


@pytest.mark.parametrize(("learning_rate", "steps"), [(1e20, 5), (1e20, 1), (1e10, 1)])
def test_a_calibration_that_diverges_is_an_error_that_names_the_learning_rate(
    learning_rate, steps, toy_clusters
):
    with pytest.raises(InputError, match="--learning-rate"):
        calibrate(*toy_clusters, replace(QUICK, learning_rate=learning_rate, steps=steps))
