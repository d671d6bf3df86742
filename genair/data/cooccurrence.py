"""Counting what users have together, a block of items at a time, so that memory stays bounded.

c_ij = sum of w_u over the users u who have items i and j together. w_u = 1 (`user_norm` "none": c_ij counts
users), or 1/(m_u - 1) for a user with m_u different items ("size": an item's pairs with the rest of a history
weigh 1 in all, so that long histories do not own the graph; a user with one item has no pair and w_u = 1).
With a window a user adds the same w_u, but to fewer pairs.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy import sparse

from genair.config import GraphConfig
from genair.data.company import Company, Holdings, WholeHistories, Windows, memberships
from genair.data.sequences import Sequences

Floats = npt.NDArray[np.float64]
BUDGET = 4000000  # entries of a block; each takes some 50 bytes while it is counted and scored


class Cooccurrence:
    """Rows of c, without self pairs and without pairs of fewer than `min_count` users."""

    def __init__(self, train: Sequences, config: GraphConfig, budget: int = BUDGET) -> None:
        """Take training sequences, and how many entries a block may have (one row may have more)."""
        self._seen = memberships(train)
        self._weights = _user_weights(self._seen) if config.user_norm == "size" else None
        self._min_count = config.min_count
        self._budget = budget
        self._company: Company
        self._company = Windows(train, config.window) if config.window else WholeHistories(self._seen)

    def blocks(self) -> Iterator[tuple[int, sparse.csr_array]]:
        """Yield (first item, its and the next items' rows of c); int32 counts or float64 weights."""
        for start, stop in _runs(self._company.sizes(), self._budget):
            yield start, self._rows(start, self._company.of(start, stop))

    def users(self) -> Floats:
        """Return n_i = sum of w_u over the users who have item i, shape (items,)."""
        weights = np.ones(self._seen.shape[0]) if self._weights is None else self._weights
        return np.asarray(self._seen.T @ weights, dtype=np.float64)

    def totals(self) -> Floats:
        """Return c_i = sum over j of c_ij, shape (items,); pairs below `min_count` are part of it."""
        parts = [np.zeros(0)]
        for start, stop in _runs(self._company.sizes(), self._budget):
            found = self._company.of(start, stop)
            others = np.diff(found.partners.indptr) - 1.0
            parts.append(np.asarray(self._weighted(found) @ others, dtype=np.float64))
        return np.concatenate(parts)

    def _rows(self, start: int, found: Holdings) -> sparse.csr_array:
        rows: sparse.csr_array = self._weighted(found) @ found.partners
        own = np.arange(start, start + rows.shape[0], dtype=rows.indices.dtype)
        dropped = rows.indices == np.repeat(own, np.diff(rows.indptr))
        if self._min_count > 1:
            counts = rows if self._weights is None else found.holders @ found.partners  # the same entries
            dropped |= counts.data < self._min_count
        rows.data[dropped] = 0
        rows.eliminate_zeros()
        return rows

    def _weighted(self, found: Holdings) -> sparse.csr_array:
        """Return the holders, each holding with the weight of its user."""
        if self._weights is None:
            return found.holders
        holders = found.holders
        weights = self._weights[found.owners[holders.indices]]
        return sparse.csr_array((weights, holders.indices, holders.indptr), shape=holders.shape)


def _user_weights(seen: sparse.csr_array) -> Floats:
    others = np.diff(seen.indptr) - 1.0
    return np.asarray(1 / np.maximum(1, others), dtype=np.float64)


def _runs(sizes: Floats, budget: int) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of runs of rows whose sizes sum up to at most `budget`; a larger row is alone."""
    ends = np.cumsum(sizes)
    start = 0
    while start < len(sizes):
        before = ends[start - 1] if start else 0.0
        stop = max(start + 1, int(np.searchsorted(ends, before + budget, side="right")))
        yield start, stop
        start = stop
