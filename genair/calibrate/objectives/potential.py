"""The Gaussian potential between items: log mean exp(-2 |e_i - e_j|^2) (Wang & Isola, ICML 2020).

It is least when the items are spread evenly over the sphere, and cannot collapse. Of a large catalogue a
sample of items is held against a larger sample.
"""

import math

import torch
from scipy import sparse
from torch import Tensor

_ROWS, _COLUMNS = 2048, 16384  # most items of the two samples
_SHARPNESS = 2.0


def potential(
    unit: Tensor, generator: torch.Generator, log_weights: sparse.csr_array | None = None
) -> Tensor:
    """Return log mean_{i != j} w_ij exp(-2 |e_i - e_j|^2) of unit vectors (n, d), over all pairs or a sample.

    Args:
        unit: unit vectors.
        generator: of the samples.
        log_weights: log w_ij, shape (n, n), 0 where nothing is stored; None weighs all pairs alike.
    """
    rows, columns = (_sample(len(unit), most, generator) for most in (_ROWS, _COLUMNS))
    cosines = unit.index_select(0, rows) @ unit.index_select(0, columns).T
    exponents = 2 * _SHARPNESS * (cosines - 1)  # -t |x - y|^2 of unit vectors
    if log_weights is not None:
        part = log_weights[rows.numpy()][:, columns.numpy()].toarray()
        exponents = exponents + torch.from_numpy(part).to(unit.dtype)
    itself = rows[:, None] == columns[None, :]
    pairs = itself.numel() - int(itself.sum())
    return exponents.masked_fill(itself, -torch.inf).flatten().logsumexp(dim=0) - math.log(pairs)


def _sample(n: int, most: int, generator: torch.Generator) -> Tensor:
    """Return different item rows, at most so many."""
    return torch.arange(n) if n <= most else torch.randperm(n, generator=generator)[:most]
