"""The diagnostics on spaces whose numbers are known."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.calibrate.diagnostics import Judge, unit_rows
from genair.calibrate.rank import effective_rank
from genair.data.association import Pairs
from genair.data.sequences import Held


def _pairs(ends, scores=None):
    ends = np.asarray(ends, dtype=np.int64).reshape(-1, 2)
    values = np.ones(len(ends)) if scores is None else np.asarray(scores, dtype=np.float64)
    return Pairs(ends[:, 0], ends[:, 1], values)


def _measure(vectors, graph, held, seed=0):
    return Judge(graph, held, seed).measure(vectors)


def _random(items, dim, seed=0):
    return np.random.default_rng(seed).normal(size=(items, dim)).astype(np.float32)


@pytest.mark.parametrize("items", [4, 40])
def test_vectors_on_a_line_have_effective_rank_one(items):
    line = np.outer(np.arange(items), [1.0, -2.0, 0.5, 3.0, 1.0]).astype(np.float32)
    assert effective_rank(line) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("dim", [1, 2, 7])
def test_isotropic_vectors_have_their_full_effective_rank(dim):
    axes = np.eye(dim, dtype=np.float32)
    assert effective_rank(np.concatenate([axes, -axes])) == pytest.approx(dim, abs=1e-5)


def test_effective_rank_is_that_of_unequal_axes():
    axes = np.diag([3.0, 1.0]).astype(np.float32)
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert effective_rank(np.concatenate([axes, -axes])) == pytest.approx(math.exp(entropy), abs=1e-5)


def test_a_common_offset_or_scale_does_not_change_the_effective_rank():
    vectors = _random(30, 5)
    assert effective_rank(vectors + 4) == pytest.approx(effective_rank(vectors), rel=1e-4)
    assert effective_rank(vectors * 100) == pytest.approx(effective_rank(vectors), rel=1e-4)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 12), st.integers(1, 12), st.integers(0, 1000))
def test_effective_rank_is_the_entropy_of_the_singular_values(items, dim, seed):
    vectors = _random(items, dim, seed)
    values = np.linalg.svd(vectors - vectors.mean(axis=0), compute_uv=False).astype(np.float64)
    shares = values[values > 1e-5 * values.max()] / values.sum()
    assert effective_rank(vectors) == pytest.approx(np.exp(-(shares * np.log(shares)).sum()), rel=1e-3)


@pytest.mark.parametrize("vectors", [np.full((6, 3), 0.1, np.float32), np.zeros((6, 3), np.float32)])
def test_equal_vectors_are_collapsed_and_at_chance(vectors):
    found = _measure(vectors, _pairs([]), _pairs([(0, 1), (2, 3), (4, 5)], [0.2, 0.5, 1.0]))
    assert found.effective_rank == 1
    assert found.auc == 0.5
    assert math.isnan(found.spearman)


def test_one_vector_has_effective_rank_one():
    assert effective_rank(_random(1, 5)) == 1


def _twins(sign):
    """Make 400 vectors where item 2i + 1 is item 2i times `sign`."""
    half = _random(200, 8)
    return np.stack([half, sign * half], axis=1).reshape(400, 8), [(2 * i, 2 * i + 1) for i in range(200)]


def test_auc_is_one_where_held_pairs_are_the_nearest():
    vectors, ends = _twins(1)
    assert _measure(vectors, _pairs([]), _pairs(ends)).auc == pytest.approx(1, abs=0.003)


def test_auc_is_zero_where_held_pairs_are_the_farthest():
    vectors, ends = _twins(-1)
    assert _measure(vectors, _pairs([]), _pairs(ends)).auc == pytest.approx(0, abs=0.003)


def test_auc_of_unrelated_pairs_is_a_half():
    rng = np.random.default_rng(3)
    ends = [tuple(rng.choice(400, 2, replace=False)) for _ in range(2000)]
    assert _measure(_random(400, 8), _pairs([]), _pairs(ends)).auc == pytest.approx(0.5, abs=0.03)


def test_without_held_pairs_auc_and_spearman_are_nan():
    found = _measure(_random(10, 4), _pairs([]), _pairs([]))
    assert math.isnan(found.auc)
    assert math.isnan(found.spearman)
    assert found.effective_rank > 1


def _fan(*degrees):
    """Make a first vector along x, and one at each angle from it."""
    angles = np.radians([0, *degrees])
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


@pytest.mark.parametrize(
    ("scores", "wanted"), [([1, 0.6, 0.4, 0.2], 1), ([0.1, 0.2, 0.3, 0.9], -1), ([0.6, 1, 0.4, 0.2], 0.8)]
)
def test_spearman_compares_nearness_with_association(scores, wanted):
    found = _measure(
        _fan(10, 30, 60, 100), _pairs([]), _pairs([(0, 1), (0, 2), (0, 3), (0, 4)], scores), seed=0
    )
    assert found.spearman == pytest.approx(wanted)


@pytest.mark.parametrize("scores", [[0.5, 0.5, 0.5], [0.5, 1.0]])
def test_spearman_is_nan_where_there_is_no_order(scores):
    ends = [(0, i + 1) for i in range(len(scores))]
    assert math.isnan(_measure(_fan(10, 30, 60), _pairs([]), _pairs(ends, scores)).spearman)


def test_mean_cosine_leaves_out_an_item_with_itself():
    assert _measure(np.eye(3, dtype=np.float32), _pairs([]), _pairs([])).mean_cosine == 0


def test_mean_cosine_is_one_where_all_point_one_way():
    lengths = np.arange(1, 9, dtype=np.float32)[:, None]
    assert _measure(
        lengths * np.float32([[1, 2]]), _pairs([]), _pairs([]), seed=0
    ).mean_cosine == pytest.approx(1)


def test_two_items_can_be_measured():
    found = _measure(np.float32([[1, 0], [-1, 0]]), _pairs([]), _pairs([(0, 1)]))
    assert found.mean_cosine == pytest.approx(-1)
    assert math.isnan(found.auc)  # no pair is left that was never together


def test_the_length_of_vectors_does_not_matter_to_cosines():
    vectors, held = _random(50, 6), _pairs([(0, 1), (2, 3), (4, 5)], [0.1, 0.2, 1])
    longer = vectors * np.random.default_rng(1).uniform(0.5, 20, (50, 1)).astype(np.float32)
    one, other = _measure(vectors, _pairs([]), held), _measure(longer, _pairs([]), held)
    assert other.auc == pytest.approx(one.auc, abs=1e-3)
    assert other.mean_cosine == pytest.approx(one.mean_cosine, abs=1e-5)


def test_equal_seeds_measure_equally_and_others_do_not():
    vectors, held = _random(50, 6), _pairs([(0, 1), (2, 3)])
    assert _measure(vectors, _pairs([]), held, seed=4).auc == _measure(vectors, _pairs([]), held, seed=4).auc
    assert (
        _measure(vectors, _pairs([]), held, seed=4).mean_cosine
        != _measure(vectors, _pairs([]), held, seed=5).mean_cosine
    )


def test_unit_rows_have_length_one_and_zero_stays_zero():
    unit = unit_rows(np.float32([[3, 4], [0, 0], [0, -1e-3]]))
    np.testing.assert_allclose(unit, [[0.6, 0.8], [0, 0], [0, -1]], rtol=1e-6)
    assert unit.dtype == np.float32


def test_pairs_learned_from_do_not_count_as_random_ones():
    """A dense graph: were its pairs counted as random, the held-out one would seem far."""
    vectors = np.float32([[1, 0], [1, 0.1], [0, 1], [0.1, 1]])
    learned, held = _pairs([(0, 1)]), _pairs([(2, 3)])
    assert _measure(vectors, learned, held).auc == 1
    everything = _pairs([(0, 1), (0, 2), (0, 3), (1, 2), (1, 3)])
    assert math.isnan(_measure(vectors, everything, held).auc)


def test_against_equally_popular_items_popularity_is_worth_nothing():
    """Popular items lie together, and are in all held pairs; who is with whom is chance."""
    rng = np.random.default_rng(2)
    vectors = _random(200, 8)
    vectors[:50, 0] += 6
    every = rng.permutation([(i, j) for i in range(50) for j in range(i)])
    found = _measure(vectors, _pairs([]), _pairs(np.sort(every[:300], axis=1)))
    assert found.auc > 0.9
    assert found.auc_matched == pytest.approx(0.5, abs=0.05)


def test_popularity_is_worth_nothing_though_popular_items_are_associated_with_most_others():
    """Left out at once, pairs that are associated would leave fewer popular ends to compare with."""
    rng = np.random.default_rng(3)
    vectors = _random(600, 8)
    vectors[:60, 0] += 6
    rows, columns = np.triu_indices(600, 1)
    chance = np.where(columns < 60, 0.63, np.where(rows < 60, 0.1, 0.01))
    there = np.flatnonzero(rng.random(len(rows)) < chance)
    held = rng.permutation(there)[: len(there) // 10]
    learned, kept = np.setdiff1d(there, held), np.column_stack([rows, columns])
    found = _measure(vectors, _pairs(kept[learned]), _pairs(kept[held]))
    assert found.auc > 0.6
    assert found.auc_matched == pytest.approx(0.5, abs=0.02)


def test_against_equally_popular_items_held_pairs_that_are_nearest_are_found():
    vectors, ends = _twins(1)
    assert _measure(vectors, _pairs([]), _pairs(ends)).auc_matched == pytest.approx(1, abs=0.003)


def test_a_space_is_its_own_origin_and_keeps_its_neighbours():
    judge = Judge(_pairs([]), _pairs([]), seed=0)
    assert judge.measure(_random(60, 6)).neighbours_kept == 1


def test_neighbours_are_those_of_the_origin():
    judge, origin = Judge(_pairs([]), _pairs([]), seed=0), _random(200, 6)
    assert judge.measure(3 * origin, origin).neighbours_kept > 0.99
    assert judge.measure(_random(200, 6, seed=9), origin).neighbours_kept < 0.15


def test_without_validation_events_there_is_no_ndcg():
    assert math.isnan(_measure(_random(10, 4), _pairs([]), _pairs([(0, 1)])).ndcg)


def test_ndcg_is_that_of_the_validation_events(toy_sequences):
    valid = Held(toy_sequences([[1]], 4), np.asarray([3]))
    judge = Judge(_pairs([]), _pairs([]), 0, valid)
    assert judge.measure(_fan(10, 30, 90)).ndcg == pytest.approx(1 / np.log2(3))


@pytest.mark.parametrize("name", ["auc", "auc_matched", "ndcg"])
def test_each_score_alone_is_the_one_among_all(name, toy_sequences):
    valid = Held(toy_sequences([[1], [5, 6]], 50), np.asarray([3, 7]))
    held = _pairs([(0, 1), (2, 3), (4, 5)], [0.1, 0.2, 1])
    judge, vectors = Judge(_pairs([(0, 2)]), held, 0, valid), _random(50, 6)
    assert getattr(judge, name)(unit_rows(vectors)) == getattr(judge.measure(vectors), name)
