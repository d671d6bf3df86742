"""The normalised attraction, against the double loop."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.calibrate.attraction import attraction
from genair.data.association import Pairs


def _pairs(scores):
    """Make pairs of `{(i, j): s_ij}` with i < j."""
    ordered = sorted(scores)
    ends = np.asarray(ordered, dtype=np.int64).reshape(-1, 2)
    return Pairs(ends[:, 0], ends[:, 1], np.asarray([scores[pair] for pair in ordered], dtype=np.float64))


@st.composite
def graphs(draw):
    """Draw (items, scores by pair, gamma, tau)."""
    n = draw(st.integers(2, 9))
    possible = list(itertools.combinations(range(n), 2))
    chosen = draw(st.lists(st.sampled_from(possible), unique=True))
    return (
        n,
        {pair: draw(st.floats(0.01, 1)) for pair in chosen},
        draw(st.floats(0.05, 12)),
        draw(st.floats(0, 20)),
    )


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_it_equals_the_formula_on_all_pairs(graph):
    n, scores, gamma, tau = graph
    pull = np.zeros((n, n))
    for (i, j), score in scores.items():
        pull[i, j] = pull[j, i] = 1 - math.exp(-gamma * score)
    degrees = [sum(pull[i]) + tau * pull.sum() / n for i in range(n)]
    wanted = [
        [pull[i, j] / math.sqrt(degrees[i] * degrees[j]) if pull[i, j] else 0.0 for j in range(n)]
        for i in range(n)
    ]
    np.testing.assert_allclose(attraction(_pairs(scores), n, gamma, tau).toarray(), wanted, rtol=1e-12)


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_its_eigenvalues_lie_between_minus_one_and_one(graph):
    n, scores, gamma, tau = graph
    values = np.linalg.eigvalsh(attraction(_pairs(scores), n, gamma, tau).toarray())
    assert -1 - 1e-9 <= values.min() <= values.max() <= 1 + 1e-9


def test_the_more_neighbours_an_item_has_the_less_each_counts():
    star = dict.fromkeys(((0, other) for other in range(1, 9)), 1.0)
    found = attraction(_pairs({**star, (9, 10): 1.0}), 11, 4.0).toarray()
    assert (found[0, 1:9] < found[9, 10]).all()


def test_a_pair_apart_agrees_as_much_as_a_popular_item_with_its_many_or_less_the_higher_tau():
    star = dict.fromkeys(((0, other) for other in range(1, 9)), 1.0)
    ratios = []
    for tau in (0.0, 1.0, 10.0):
        found = attraction(_pairs({**star, (9, 10): 1.0}), 11, 4.0, tau).toarray()
        of_star, of_pair = (np.linalg.eigvalsh(found[part, part]).max() for part in (slice(9), slice(9, 11)))
        ratios.append(of_star / of_pair)
    assert ratios[0] == pytest.approx(1)
    assert ratios[0] < ratios[1] < ratios[2]


def test_an_item_without_pairs_pulls_at_nothing():
    found = attraction(_pairs({(0, 1): 1.0}), 3, 4.0).toarray()
    assert not found[2].any()
    assert not found[:, 2].any()


def test_the_last_item_has_its_row():
    found = attraction(_pairs({(0, 3): 1.0}), 4, 4.0)
    assert found.shape == (4, 4)
    assert found[3, 0] == found[0, 3] > 0


@pytest.mark.parametrize("gamma", [1e-17, 1e-9])
def test_of_a_gamma_however_small_pulls_are_in_proportion_to_scores(gamma):
    scores = {(0, 1): 1.0, (1, 2): 0.5}
    np.testing.assert_allclose(
        attraction(_pairs(scores), 3, gamma).toarray(),
        attraction(_pairs(scores), 3, 1e-6).toarray(),
        rtol=1e-5,
    )
