"""Keeping a graph within a number of pairs.

The rule: a graph of more than `max_pairs` pairs is cut. Each of the n items then keeps its
K = max(1, max_pairs // n) strongest neighbours (of equal ones, the lower item index), and a pair stays when
either end keeps it. So at most max(n, max_pairs) pairs stay, and no item loses all it had.
"""

import numpy as np
import numpy.typing as npt
from scipy import sparse

Bools = npt.NDArray[np.bool_]


class StrongestPairs:
    """Takes the full rows of a symmetric matrix in order and keeps its pairs; of many, the strongest."""

    def __init__(self, n_items: int, max_pairs: int) -> None:
        """Start with nothing."""
        self._n_items, self._max_pairs = n_items, max_pairs
        self._k = max(1, max_pairs // max(1, n_items))
        self._blocks: list[sparse.csr_array] = []
        self._entries = 0  # seen, both orders

    def add(self, rows: sparse.csr_array) -> None:
        """Take the next rows; 0 is no pair."""
        rows = _select(rows, rows.data > 0)
        was_within = self._within()
        self._entries += rows.nnz
        self._blocks.append(rows if self._within() else strongest(rows, self._k))
        if was_within and not self._within():
            self._blocks = [strongest(block, self._k) for block in self._blocks]

    def pairs(self) -> sparse.csr_array:
        """Return the upper triangle, sorted by row, then column, shape (items, items)."""
        kept = sparse.csr_array(sparse.vstack(self._blocks, format="csr"))
        self._blocks = []
        kept.sort_indices()
        above = kept.indices > np.repeat(np.arange(self._n_items), np.diff(kept.indptr))
        upper = _select(kept, above)
        if self._within():
            return upper
        return upper.maximum(_select(kept, ~above).T.tocsr())

    def seen(self) -> int:
        """Return the number of pairs taken, kept or not."""
        return self._entries // 2

    def _within(self) -> bool:
        return self._entries <= 2 * self._max_pairs


def strongest(rows: sparse.csr_array, k: int) -> sparse.csr_array:
    """Return the k largest entries of each row; of equal ones, the lower columns."""
    keep = np.ones(rows.nnz, dtype=np.bool_)
    negated = -rows.data  # `partition` is slow where many equal values come before the k-th
    for row in np.flatnonzero(np.diff(rows.indptr) > k):
        part = slice(rows.indptr[row], rows.indptr[row + 1])
        keep[part] = _smallest(negated[part], rows.indices[part], k)
    return _select(rows, keep)


def _smallest(values: npt.NDArray[np.generic], columns: npt.NDArray[np.integer], k: int) -> Bools:
    """Return which k values are smallest; of equal ones, those in the lower columns."""
    limit = np.partition(values, k - 1)[k - 1]
    below: Bools = values < limit
    equal: Bools = values == limit
    places = k - np.count_nonzero(below)
    rivals = columns[equal]
    if len(rivals) > places:
        equal &= columns <= np.partition(rivals, places - 1)[places - 1]
    return below | equal


def _select(matrix: sparse.csr_array, keep: Bools) -> sparse.csr_array:
    """Return some of the entries, in the same order."""
    if keep.all():
        return matrix
    kept = np.flatnonzero(keep)
    bounds = np.searchsorted(kept, matrix.indptr).astype(matrix.indptr.dtype)
    return sparse.csr_array((matrix.data[kept], matrix.indices[kept], bounds), shape=matrix.shape)
