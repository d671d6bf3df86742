"""Objectives of catalogues so large that a step samples them, against the exact value."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from genair.calibrate.objectives.alignment import AlignmentUniformity
from genair.calibrate.objectives.contrastive import Contrastive
from genair.calibrate.objectives.uniformity import WeightedUniformity
from genair.data.association import Pairs

NOTHING = np.empty(0, dtype=np.int64)


def _unit(n, seed):
    return functional.normalize(torch.randn(n, 6, generator=torch.Generator().manual_seed(seed)), dim=1)


def _neighbours(n):
    """Return vectors of which each two neighbours are near, and these pairs."""
    vectors = functional.normalize(_unit(n // 2, 4).repeat_interleave(2, 0) + 0.01 * _unit(n, 5))
    evens = np.arange(0, n, 2)
    return vectors, Pairs(evens, evens + 1, np.ones(n // 2))


def _found(objective, vectors):
    """Return its values by three samples, of which the first two are one."""
    first, again, other = (
        objective(vectors, torch.Generator().manual_seed(seed)).item() for seed in (0, 0, 1)
    )
    assert first == again != other
    return first


def _log_mean(exponents):
    n = len(exponents)
    exponents.fill_diagonal_(-torch.inf)
    return (exponents.logsumexp((0, 1)) - math.log(n * (n - 1))).item()


@pytest.mark.parametrize("n", [1200, 16500])  # more pairs, and more candidates, than a step has
def test_contrastive_is_near_the_exact_value(n):
    vectors, pairs = _neighbours(n)
    logits = vectors @ vectors.T / 0.2
    logits.fill_diagonal_(-torch.inf)
    exact = functional.cross_entropy(logits, torch.arange(n) ^ 1).item()
    assert _found(Contrastive(pairs, n, 4.0), vectors) == pytest.approx(exact, abs=0.12)


def test_alignment_and_uniformity_are_near_the_exact_value():
    n = 2300
    vectors = _unit(n, 3)
    pair = Pairs(np.asarray([0]), np.asarray([n - 1]), np.ones(1))
    squares = torch.cdist(vectors.double(), vectors.double()).pow(2)
    exact = 0.5 * _log_mean(-2 * squares) + squares[0, n - 1].item()
    assert _found(AlignmentUniformity(pair, n, 4.0), vectors) == pytest.approx(exact, abs=0.01)


def test_weighted_uniformity_weighs_the_sampled_items():
    n = 2300  # of which 2,048 are held against all
    vectors, pairs = _neighbours(n)
    exponents = -2 * torch.cdist(vectors.double(), vectors.double()).pow(2)
    unweighted = _found(WeightedUniformity(Pairs(NOTHING, NOTHING, np.empty(0)), n, 4.0), vectors)
    assert unweighted == pytest.approx(_log_mean(exponents), abs=2e-3)
    rows = torch.arange(n)
    exponents[rows, rows ^ 1] -= 4
    weighted = _found(WeightedUniformity(pairs, n, 4.0), vectors)
    assert weighted == pytest.approx(_log_mean(exponents), abs=2e-3)
    assert weighted < unweighted - 5e-3
