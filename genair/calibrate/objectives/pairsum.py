"""Sums over associated pairs, without a tensor of pairs."""

import warnings

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

_DENSE = 8192  # items at most: half a gigabyte of float64


class PairSum:
    """sum over associated (i, j), both orders, of a_ij |e_i - e_j|^2.

    With degrees D_i = sum_j a_ij it equals 2 sum_i e_i . (D_i e_i - (A e)_i), whose gradient is four times
    what is in brackets: one product with A does for both. A graph denser than one pair in twenty is
    multiplied as a dense matrix, where that fits in memory: faster, and still linear in the pairs.
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
        fixed = vectors.detach()
        gradient = 4 * (degrees[:, None] * fixed - matrix @ fixed)
        twice = (vectors * gradient).sum()
        return twice - twice.detach() / 2

    def _matrix(self) -> Tensor:
        n = self._weights.shape[0]
        if self._weights.nnz * 20 > n * n and n <= _DENSE:
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
