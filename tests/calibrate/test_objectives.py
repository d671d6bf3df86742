"""The objectives: sparse forms against double loops over all pairs, and what every objective promises."""

import itertools
import math
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from genair.calibrate import OBJECTIVES
from genair.calibrate.objectives import pairsum
from genair.calibrate.objectives.alignment import AlignmentUniformity
from genair.calibrate.objectives.contrastive import Contrastive
from genair.calibrate.objectives.pairsum import PairSum
from genair.calibrate.objectives.paper import WeightedRepulsion
from genair.calibrate.objectives.uniformity import WeightedUniformity
from genair.calibrate.rank import effective_rank
from genair.data.association import Pairs


def _pairs(scores):
    """Make pairs of `{(i, j): s_ij}` with i < j."""
    ordered = sorted(scores)
    ends = np.asarray(ordered, dtype=np.int64).reshape(-1, 2)
    return Pairs(ends[:, 0], ends[:, 1], np.asarray([scores[pair] for pair in ordered], dtype=np.float64))


def _vectors(n, d, seed, dtype=torch.float64):
    found = torch.randn(n, d, dtype=dtype, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(found, dim=1)


@st.composite
def worlds(draw):
    """Draw (vectors, scores by pair, gamma): any graph, items without pairs, equal vectors."""
    n, d = draw(st.integers(2, 8)), draw(st.integers(1, 5))
    possible = list(itertools.combinations(range(n), 2))
    associated = draw(st.lists(st.sampled_from(possible), unique=True))
    scores = {pair: draw(st.floats(0.01, 1)) for pair in associated}
    vectors = _vectors(n, d, draw(st.integers(0, 2**31)))
    if draw(st.booleans()):
        vectors[draw(st.integers(0, n - 1))] = vectors[draw(st.integers(0, n - 1))]
    return vectors * draw(st.sampled_from([1.0, 0.3])), scores, draw(st.floats(0.05, 12))


def _distance(vectors, i, j):
    return (vectors[i] - vectors[j]).pow(2).sum()


def _weight(scores, i, j, gamma):
    return math.exp(-gamma * scores.get((min(i, j), max(i, j)), 0.0))


def _paper(vectors, scores, gamma):
    n = len(vectors)
    ordered = itertools.permutations(range(n), 2)
    return -sum(_weight(scores, i, j, gamma) * _distance(vectors, i, j) for i, j in ordered) / (n * (n - 1))


def _attraction(n, scores, gamma):
    pull = {(i, j): 1 - _weight(scores, i, j, gamma) for i, j in itertools.permutations(range(n), 2)}
    degrees = [sum(pull[i, j] for j in range(n) if j != i) + 10 * sum(pull.values()) / n for i in range(n)]
    return {(i, j): pull[i, j] / math.sqrt(degrees[i] * degrees[j]) for i, j in pull if pull[i, j]}


def _alignment_uniformity(vectors, scores, gamma):
    n = len(vectors)
    ordered = list(itertools.permutations(range(n), 2))
    shares = _attraction(n, scores, gamma)
    aligned = sum(share * _distance(vectors, i, j) for (i, j), share in shares.items())
    alignment = aligned / sum(shares.values()) if shares else 0.0
    potentials = [torch.exp(-2 * _distance(vectors, i, j)) for i, j in ordered]
    return alignment + 0.5 * torch.stack(potentials).mean().log()


def _uniformity(vectors, scores, gamma):
    ordered = list(itertools.permutations(range(len(vectors)), 2))
    potentials = [_weight(scores, i, j, gamma) * torch.exp(-2 * _distance(vectors, i, j)) for i, j in ordered]
    return torch.stack(potentials).mean().log()


def _contrastive(vectors, scores, gamma):
    n = len(vectors)
    shares = _attraction(n, scores, gamma)
    loss = vectors.sum() * 0.0
    for (i, j), share in shares.items():
        others = torch.stack([vectors[i] @ vectors[k] / 0.2 for k in range(n) if k != i])
        loss = loss - share * (vectors[i] @ vectors[j] / 0.2 - others.logsumexp(0))
    return loss / max(sum(shares.values()), 1e-12)


BOTH_PRODUCTS = pytest.mark.parametrize("most_dense", [8192, 0], ids=["dense", "sparse"])


@contextmanager
def _dense_up_to(items):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairsum, "_DENSE", items)
        yield


def _value_and_gradient(loss, vectors):
    leaf = vectors.clone().requires_grad_()
    value = loss(leaf)
    value.backward()
    return value.detach(), leaf.grad


def _assert_same_function(fast, slow, vectors):
    for got, wanted in zip(
        _value_and_gradient(fast, vectors), _value_and_gradient(slow, vectors), strict=True
    ):
        torch.testing.assert_close(got, wanted, rtol=1e-9, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(worlds())
@BOTH_PRODUCTS
def test_the_papers_loss_equals_the_sum_over_all_ordered_pairs(most_dense, world):
    vectors, scores, gamma = world
    objective = WeightedRepulsion(_pairs(scores), len(vectors), gamma)
    with _dense_up_to(most_dense):
        _assert_same_function(
            lambda leaf: objective(leaf, torch.Generator()), lambda leaf: _paper(leaf, scores, gamma), vectors
        )


@settings(max_examples=60, deadline=None)
@given(worlds())
@pytest.mark.parametrize(
    ("kind", "formula"),
    [
        (AlignmentUniformity, _alignment_uniformity),
        (WeightedUniformity, _uniformity),
        (Contrastive, _contrastive),
    ],
)
@BOTH_PRODUCTS
def test_objectives_on_the_sphere_equal_their_formulas_on_all_pairs(most_dense, kind, formula, world):
    vectors, scores, gamma = world
    vectors = torch.nn.functional.normalize(vectors, dim=1)
    objective = kind(_pairs(scores), len(vectors), gamma)

    def on_sphere(loss):
        return lambda leaf: loss(torch.nn.functional.normalize(leaf, dim=1))

    with _dense_up_to(most_dense):
        _assert_same_function(
            on_sphere(lambda unit: objective(unit, torch.Generator())),
            on_sphere(lambda unit: formula(unit, scores, gamma)),
            vectors,
        )


@settings(max_examples=60, deadline=None)
@given(worlds())
@BOTH_PRODUCTS
def test_a_pair_sum_equals_the_double_loop(most_dense, world):
    vectors, scores, _ = world
    n = len(vectors)
    dense = np.zeros((n, n))
    for (i, j), score in scores.items():
        dense[i, j] = dense[j, i] = 5 * score
    pair_sum = PairSum(sparse.csr_array(dense))
    assert pair_sum.total == pytest.approx(dense.sum())

    def slow(leaf):
        ordered = itertools.permutations(range(n), 2)
        return sum(dense[i, j] * _distance(leaf, i, j) for i, j in ordered)

    with _dense_up_to(most_dense):
        _assert_same_function(pair_sum, slow, vectors)


def test_the_papers_loss_of_two_opposite_items():
    opposite = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    apart = WeightedRepulsion(_pairs({}), 2, 4.0)(opposite, torch.Generator())
    associated = WeightedRepulsion(_pairs({(0, 1): 0.5}), 2, 4.0)(opposite, torch.Generator())
    assert apart.item() == pytest.approx(-4)
    assert associated.item() == pytest.approx(-4 * math.exp(-2))


def _two_cliques(size=8):
    halves = (range(size), range(size, 2 * size))
    return {pair: 1.0 for half in halves for pair in itertools.combinations(half, 2)}


@pytest.mark.parametrize("seed", [0, 1])
def test_only_the_papers_loss_collapses_two_cliques(seed):
    ranks = {}
    for name in OBJECTIVES.names():
        objective = OBJECTIVES.get(name)(_pairs(_two_cliques()), 16, 4.0)
        free = _vectors(16, 8, seed, torch.float32).requires_grad_()
        optimizer = torch.optim.Adam([free], lr=0.1)
        for _ in range(150):
            optimizer.zero_grad()
            objective(torch.nn.functional.normalize(free, dim=1), torch.Generator()).backward()
            optimizer.step()
        ranks[name] = effective_rank(torch.nn.functional.normalize(free, dim=1).detach().numpy())
    assert ranks.pop("paper") < 1.5
    assert min(ranks.values()) > 3, ranks


_GRAPHS = {
    "some items alone": {(0, 1): 0.2, (1, 2): 1.0, (2, 9): 0.7},
    "no pairs": {},
    "all pairs": dict.fromkeys(itertools.combinations(range(10), 2), 0.5),
}


@pytest.mark.parametrize("name", OBJECTIVES.names())
@pytest.mark.parametrize("graph", _GRAPHS)
def test_every_objective_is_finite_and_differentiable(name, graph):
    objective = OBJECTIVES.get(name)(_pairs(_GRAPHS[graph]), 10, 4.0)
    spread, collapsed = _vectors(10, 4, seed=0, dtype=torch.float32), torch.full((10, 4), 0.5)
    for vectors in (spread, collapsed):
        value, gradient = _value_and_gradient(lambda leaf: objective(leaf, torch.Generator()), vectors)
        assert value.shape == ()
        assert torch.isfinite(value)
        assert torch.isfinite(gradient).all()
        moves = (gradient != 0).any(dim=1).all()
        assert moves or vectors is collapsed or (name, graph) == ("contrastive", "no pairs")


@pytest.mark.parametrize("name", OBJECTIVES.names())
def test_no_objective_depends_on_the_order_of_items(name):
    scores = _GRAPHS["some items alone"]
    place = np.random.default_rng(0).permutation(10)
    moved = {tuple(sorted((int(place[i]), int(place[j])))): score for (i, j), score in scores.items()}
    vectors = _vectors(10, 4, seed=1)
    there = torch.empty_like(vectors)
    there[torch.from_numpy(place)] = vectors
    here_value = OBJECTIVES.get(name)(_pairs(scores), 10, 4.0)(vectors, torch.Generator())
    there_value = OBJECTIVES.get(name)(_pairs(moved), 10, 4.0)(there, torch.Generator())
    torch.testing.assert_close(there_value, here_value, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", OBJECTIVES.names())
def test_every_objective_uses_the_graph_and_gamma(name):
    vectors = _vectors(10, 4, seed=2)
    some, more = _GRAPHS["some items alone"], {**_GRAPHS["some items alone"], (8, 9): 1.0}
    kind = OBJECTIVES.get(name)
    found = [
        kind(_pairs(scores), 10, gamma)(vectors, torch.Generator()).item()
        for scores, gamma in ((some, 4.0), (more, 4.0), (some, 1.0))
    ]
    assert len(set(found)) == 3


@pytest.mark.parametrize("name", OBJECTIVES.names())
def test_every_objective_prefers_associated_items_near(name):
    square = torch.tensor([[1.0, 0.0], [0.98, 0.2], [-1.0, 0.0], [-0.98, -0.2]])
    square = torch.nn.functional.normalize(square, dim=1)
    near = OBJECTIVES.get(name)(_pairs({(0, 1): 1.0, (2, 3): 1.0}), 4, 4.0)(square, torch.Generator())
    far = OBJECTIVES.get(name)(_pairs({(0, 2): 1.0, (1, 3): 1.0}), 4, 4.0)(square, torch.Generator())
    assert near < far
