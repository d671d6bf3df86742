"""Calibration learns from behaviour, from all of it, and from nothing else."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from genair.calibrate.fit import calibrate
from genair.config import CalibrateConfig, DescentConfig, GraphConfig, SpectralConfig
from genair.data.association import associate
from genair.errors import InputError

GRAPH, FEW = GraphConfig(window=0, score="log"), SpectralConfig(features=50, ridge=0.1, power=0.75)
STEPS = DescentConfig(steps=15, learning_rate=5e-3, stop_on="none")
SOLVED = CalibrateConfig(dim=8, graph=GRAPH, spectral=FEW, descent=STEPS)
DESCENT = replace(SOLVED, objective="alignment")
RESIDUAL = replace(DESCENT, descent=replace(STEPS, adapter="residual"))
KINDS = {"spectral": SOLVED, "mlp": DESCENT, "residual": RESIDUAL}


@pytest.fixture(params=KINDS)
def quick(request):
    """Each way to calibrate, with little work."""
    return KINDS[request.param]


@pytest.fixture(params=KINDS)
def thorough(request):
    """Each way to calibrate, with enough work to be good."""
    config = KINDS[request.param]
    return replace(config, dim=16, holdout=0.2, descent=replace(config.descent, steps=80, learning_rate=0.01))


def _random(items, dim, seed=0):
    return np.random.default_rng(seed).normal(size=(items, dim)).astype(np.float32)


@pytest.mark.parametrize("seed", [0, 1])
def test_held_out_pairs_come_nearer_than_random_ones(seed, thorough, toy_clusters):
    found = calibrate(*toy_clusters, replace(thorough, seed=seed))
    assert found.before.auc < 0.65
    assert found.after.auc > found.before.auc + 0.1
    assert found.after.effective_rank > 8


def test_behaviour_without_structure_teaches_nothing_about_held_out_pairs(
    thorough, toy_clusters, toy_sequences
):
    rng = np.random.default_rng(0)
    dealt = np.concatenate([rng.permutation(80) + 1 for _ in range(9)])  # all items equally popular
    histories = dealt.reshape(-1, 2).tolist()  # a longer history is a clique, which tells of its missing pair
    found = calibrate(toy_clusters[0], toy_sequences(histories, 80), thorough)
    assert found.after.auc_matched == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize("adapter", ["mlp", "residual"])
def test_each_step_tells_its_loss_and_the_loss_falls(adapter, toy_clusters):
    losses = []
    config = replace(DESCENT, descent=replace(STEPS, adapter=adapter, steps=30))
    calibrate(*toy_clusters, config, losses.append)
    assert len(losses) == 30
    assert losses[-1] < losses[0] - 0.1


def test_where_nothing_descends_no_loss_is_told(toy_clusters):
    losses = []
    assert calibrate(*toy_clusters, SOLVED, losses.append).stop is None
    assert losses == []


def test_the_result_is_one_unit_vector_an_item(quick, toy_clusters):
    found = calibrate(*toy_clusters, quick).vectors
    assert found.shape == (80, 8)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)


def test_the_same_seed_gives_the_same_bytes(quick, toy_clusters):
    one, other = calibrate(*toy_clusters, quick), calibrate(*toy_clusters, quick)
    assert one.vectors.tobytes() == other.vectors.tobytes()
    assert repr(one.after) == repr(other.after)  # nan where nothing was measured


def test_the_callers_random_numbers_and_vectors_are_left_alone(quick, toy_clusters):
    vectors, train = toy_clusters
    given, state = vectors.copy(), torch.get_rng_state()
    calibrate(vectors, train, quick)
    assert torch.equal(torch.get_rng_state(), state)
    assert np.array_equal(vectors, given)


def test_pairs_over_the_cap_are_dropped_and_counted(quick, toy_clusters):
    every = calibrate(*toy_clusters, quick)
    cut = calibrate(*toy_clusters, replace(quick, graph=replace(GRAPH, max_pairs=200)))
    assert every.dropped == 0
    assert len(cut.graph) + len(cut.held) + cut.dropped == len(every.graph) + len(every.held)
    assert 0 < len(cut.graph) + len(cut.held) <= 200


def test_the_last_item_has_its_own_vector(quick, toy_clusters):
    vectors, train = toy_clusters
    twin, other = vectors.copy(), vectors.copy()
    twin[-1] = vectors[0]
    other[-1] = -vectors[0]
    near = calibrate(twin, train, quick).vectors
    far = calibrate(other, train, quick).vectors
    assert near[-1] @ near[0] == pytest.approx(1, abs=1e-5)
    assert far[-1] @ far[0] < 0.9


def test_the_last_items_behaviour_counts(quick, toy_sequences):
    vectors = _random(12, 6)
    one = calibrate(vectors, toy_sequences([[1, 2, 3], [4, 12]], 12), replace(quick, holdout=0))
    other = calibrate(vectors, toy_sequences([[1, 2, 3], [5, 12]], 12), replace(quick, holdout=0))
    assert one.vectors[11] @ one.vectors[3] > other.vectors[11] @ other.vectors[3]
    assert one.vectors[11] @ one.vectors[4] < other.vectors[11] @ other.vectors[4]


def test_vectors_follow_their_items_when_the_catalogue_is_reordered(quick, toy_clusters, toy_sequences):
    vectors, train = toy_clusters
    order = np.random.default_rng(0).permutation(80)  # new row r holds old row order[r]
    place = np.argsort(order)
    histories = [(place[train.of(user) - 1] + 1).tolist() for user in range(len(train))]
    config = replace(quick, holdout=0)
    moved = calibrate(vectors[order], toy_sequences(histories, 80), config).vectors
    np.testing.assert_allclose(moved, calibrate(vectors, train, config).vectors[order], atol=1e-3)


def test_items_without_behaviour_get_vectors_too(quick, toy_sequences):
    found = calibrate(_random(30, 6), toy_sequences([[1, 2], [2, 3], [29]], 30), quick).vectors
    assert np.isfinite(found).all()
    assert len(np.unique(found.round(4), axis=0)) == 30


def test_the_adapter_saved_and_made_again_reproduces_the_vectors(quick, toy_clusters):
    vectors, train = toy_clusters
    found = calibrate(vectors, train, quick)
    adapter = type(found.adapter).of(found.adapter.state_dict())
    with torch.no_grad():
        again = functional.normalize(adapter(torch.from_numpy(vectors)), dim=1)
    assert np.array_equal(again.numpy(), found.vectors)


@pytest.mark.parametrize(
    ("name", "kind"), [("spectral", "residual"), ("mlp", "mlp"), ("residual", "residual")]
)
def test_the_adapter_is_of_the_wanted_kind(name, kind, toy_clusters):
    assert calibrate(*toy_clusters, KINDS[name]).adapter.kind == kind


def test_held_pairs_are_not_learned_from(quick, toy_clusters):
    vectors, train = toy_clusters
    found = calibrate(vectors, train, replace(quick, holdout=0.25))
    kept, held = ({*zip(part.rows, part.columns, strict=True)} for part in (found.graph, found.held))
    every = associate(train, GRAPH)
    assert not kept & held
    assert kept | held == {*zip(every.rows, every.columns, strict=True)}
    assert len(held) == round(0.25 * len(every))


def test_the_seed_chooses_the_held_pairs(quick, toy_clusters):
    held = [calibrate(*toy_clusters, replace(quick, seed=seed)).held for seed in (0, 0, 1)]
    assert np.array_equal(held[0].rows, held[1].rows)
    assert not np.array_equal(held[0].rows, held[2].rows)


def test_without_held_pairs_calibration_works_and_claims_nothing(quick, toy_clusters):
    found = calibrate(*toy_clusters, replace(quick, holdout=0))
    assert len(found.held) == 0
    assert math.isnan(found.after.auc)
    assert np.isfinite(found.vectors).all()


@pytest.mark.parametrize("histories", [[[1], [2], [3]], [[2, 2, 2]], []])
def test_items_never_consumed_together_are_an_error(quick, histories, toy_sequences):
    with pytest.raises(InputError, match="no two items share a user"):
        calibrate(_random(3, 4), toy_sequences(histories, 3), quick)


def test_a_graph_that_the_least_count_empties_is_an_error_that_names_it(quick, toy_sequences):
    config = replace(quick, graph=replace(GRAPH, min_count=3))
    with pytest.raises(InputError, match="--min-count 3 and --score log leave no pair"):
        calibrate(_random(3, 4), toy_sequences([[1, 2], [2, 1]], 3), config)


def test_one_item_is_an_error(quick, toy_sequences):
    with pytest.raises(InputError, match="no two items share a user"):
        calibrate(_random(1, 4), toy_sequences([[1, 1, 1]], 1), quick)


def test_two_items_are_enough(quick, toy_sequences):
    found = calibrate(_random(2, 4), toy_sequences([[1, 2]], 2), quick)
    assert np.isfinite(found.vectors).all()


def test_holding_out_every_pair_is_an_error_that_names_the_holdout(quick, toy_sequences):
    with pytest.raises(InputError, match="holdout"):
        calibrate(_random(3, 4), toy_sequences([[1, 2]], 3), replace(quick, holdout=0.9))


@pytest.mark.parametrize("value", [0.0, 0.1, 3.7, -0.3])
@pytest.mark.parametrize("items", [3, 77, 80])
def test_vectors_that_do_not_differ_are_an_error(value, items, quick, toy_sequences):
    train = toy_sequences([[1, 2, 3], [2, 3]], items)
    with pytest.raises(InputError, match="the input vectors do not differ: nothing tells items apart"):
        calibrate(np.full((items, 4), value, np.float32), train, quick)


@pytest.mark.parametrize(("learning_rate", "steps"), [(1e20, 5), (1e20, 1), (1e10, 1)])
def test_a_calibration_that_diverges_is_an_error_that_names_the_learning_rate(
    learning_rate, steps, toy_clusters
):
    descent = replace(STEPS, learning_rate=learning_rate, steps=steps)
    with pytest.raises(InputError, match="--learning-rate"):
        calibrate(*toy_clusters, replace(DESCENT, descent=descent))


@pytest.mark.parametrize(
    ("stop_on", "told"),
    [
        ("ndcg", "no validation event to stop on: take --stop-on auc_matched or none"),
        *(
            (name, "no held-out pair to stop on, .*: raise --holdout or take")
            for name in ("auc", "auc_matched")
        ),
    ],
)
def test_nothing_held_out_is_nothing_to_stop_on(stop_on, told, toy_clusters):
    config = replace(DESCENT, holdout=0, descent=replace(STEPS, stop_on=stop_on))
    with pytest.raises(InputError, match=told):
        calibrate(*toy_clusters, config)


@pytest.mark.parametrize(("rank", "least"), [("before", 1.5 / 3), ("dim", 8 / 3)])
def test_collapsed_is_less_than_a_third_of_what_the_input_allows(rank, least, toy_clusters):
    """The input's effective rank, or the size of the vectors if that is less."""
    found = calibrate(*toy_clusters, SOLVED)
    before = replace(found.before, effective_rank=1.5 if rank == "before" else 15.0)
    assert replace(found, before=before).least_rank == pytest.approx(least)
