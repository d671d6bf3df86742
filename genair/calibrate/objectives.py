"""What calibration minimises, over the whole catalogue in one step.

All take unit vectors e of all n items and the graph of associated pairs (s_ij > 0), and cost O(n d + pairs d)
plus, where repulsion is by Gaussian potential, n times a sample of items.

With w_ij = exp(-gamma s_ij) and w_ij = 1 for pairs never seen together, GenAIR's loss
    L = -1/(n(n-1)) sum_{i != j} w_ij |e_i - e_j|^2
is computed exactly from
    sum_{i != j} w_ij |e_i - e_j|^2 = 2 n sum |e|^2 - 2 |sum e|^2 - sum_{associated} (1 - w_ij) |e_i - e_j|^2.
"""

import math
import warnings
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from torch import Tensor

from genair.data.association import Pairs

_SAMPLE = 2048
_SHARPNESS = 2.0  # t of exp(-t |x - y|^2), Wang & Isola (ICML 2020)
_UNIFORMITY = 0.5  # its weight against alignment; at 1 nothing aligns, at 1/4 all vectors point one way


class Objective(Protocol):
    """A loss of unit vectors, made for one graph."""

    def __init__(self, pairs: Pairs, n_items: int, gamma: float) -> None:
        """Prepare the graph of a catalogue of n items."""

    def __call__(self, unit: Tensor, generator: torch.Generator) -> Tensor:
        """Return the loss (a scalar) of unit vectors (n, d)."""


class PairSum:
    """sum over associated (i, j), both orders, of a_ij |e_i - e_j|^2, without a tensor of pairs.

    With degrees D_i = sum_j a_ij it equals 2 sum_i D_i |e_i|^2 - 2 sum_i e_i . (A e)_i. A graph denser than
    one pair in twenty is multiplied as a dense matrix: faster, and still linear in the pairs.
    """

    def __init__(self, weights: sparse.csr_array) -> None:
        """Take the symmetric weights a_ij, shape (n, n)."""
        self._weights = weights.astype(np.float64)
        self._prepared: dict[torch.dtype, tuple[Tensor, Tensor]] = {}
        self.total = float(weights.sum())

    def __call__(self, vectors: Tensor) -> Tensor:
        """Return the sum for vectors (n, d)."""
        if vectors.dtype not in self._prepared:
            degrees = torch.from_numpy(np.asarray(self._weights.sum(axis=1)))
            self._prepared[vectors.dtype] = (self._matrix().to(vectors.dtype), degrees.to(vectors.dtype))
        matrix, degrees = self._prepared[vectors.dtype]
        products: Tensor = matrix @ vectors
        return 2 * (degrees * vectors.pow(2).sum(dim=1)).sum() - 2 * (vectors * products).sum()

    def _matrix(self) -> Tensor:
        n = self._weights.shape[0]
        if self._weights.nnz * 20 > n * n:
            return torch.from_numpy(self._weights.toarray())
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta", UserWarning)
            return torch.sparse_csr_tensor(
                torch.from_numpy(self._weights.indptr.astype(np.int64)),
                torch.from_numpy(self._weights.indices.astype(np.int64)),
                torch.from_numpy(self._weights.data),
                size=self._weights.shape,
                check_invariants=False,
            )


class WeightedRepulsion:
    """GenAIR's loss, exactly. On its own it can collapse the space (see docs/method.md)."""

    def __init__(self, pairs: Pairs, n_items: int, gamma: float) -> None:
        """Prepare 1 - w_ij for the associated pairs."""
        weights = pairs.to_csr(n_items)
        weights.data = 1 - np.exp(-gamma * weights.data)
        self._attraction = PairSum(weights)
        self._n = n_items

    def __call__(self, unit: Tensor, generator: torch.Generator) -> Tensor:
        """Return the loss of unit vectors (n, d); nothing is sampled."""
        spread = 2 * self._n * unit.pow(2).sum() - 2 * unit.sum(dim=0).pow(2).sum()
        return -(spread - self._attraction(unit)) / (self._n * (self._n - 1))


class AlignmentUniformity:
    """Associated items near each other, all items spread evenly (after Wang & Isola, ICML 2020).

    Alignment weighs a pair by (1 - w_ij) / sqrt(D_i D_j), so that popular items do not own the graph;
    uniformity is log mean exp(-2 |e_i - e_j|^2) between all items and a sample, which cannot collapse,
    and weighs one half.
    """

    def __init__(self, pairs: Pairs, n_items: int, gamma: float) -> None:
        """Prepare the normalised weights."""
        weights = pairs.to_csr(n_items)
        weights.data = 1 - np.exp(-gamma * weights.data)
        degrees: npt.NDArray[np.float64] = np.asarray(weights.sum(axis=1))
        factor = sparse.diags_array(1 / np.sqrt(np.maximum(degrees, 1e-12)))
        self._attraction = PairSum((factor @ weights @ factor).tocsr())
        self._n = n_items

    def __call__(self, unit: Tensor, generator: torch.Generator) -> Tensor:
        """Return the loss of unit vectors (n, d)."""
        alignment = self._attraction(unit) / max(self._attraction.total, 1e-12)
        return alignment + _UNIFORMITY * self._uniformity(unit, generator)

    def _uniformity(self, unit: Tensor, generator: torch.Generator) -> Tensor:
        chosen = torch.arange(self._n)
        if self._n > _SAMPLE:
            chosen = torch.randperm(self._n, generator=generator)[:_SAMPLE]
        exponents = 2 * _SHARPNESS * (unit[chosen] @ unit.T - 1)  # -t |x - y|^2 of unit vectors
        itself = torch.zeros_like(exponents, dtype=torch.bool)
        itself[torch.arange(len(chosen)), chosen] = True
        pairs = len(chosen) * (self._n - 1)
        return exponents.masked_fill(itself, -torch.inf).flatten().logsumexp(dim=0) - math.log(pairs)
