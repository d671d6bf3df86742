"""What is consumed together: a sparse graph over the items of training sequences.

c_ij = number of users whose training events hold both i and j, i != j (each user counts once a pair, so a
repeated item makes no self pair); s_ij = log(1 + c_ij) / log(1 + max c), in (0, 1].
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from genair.data.sequences import Sequences


@dataclass(frozen=True)
class Pairs:
    """Associated pairs, each unordered pair once.

    Attributes:
        rows: int64, 0-based item rows i, shape (pairs,).
        columns: int64, 0-based item rows j > i, shape (pairs,).
        scores: float64 s_ij in (0, 1], shape (pairs,).
    """

    rows: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float64]

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.rows)

    def take(self, chosen: npt.NDArray[np.int64]) -> "Pairs":
        """Return some of the pairs."""
        return Pairs(self.rows[chosen], self.columns[chosen], self.scores[chosen])

    def to_csr(self, n_items: int) -> sparse.csr_array[np.float64]:
        """Return the symmetric score matrix, shape (items, items), with a zero diagonal."""
        upper = sparse.coo_array((self.scores, (self.rows, self.columns)), shape=(n_items, n_items))
        return (upper + upper.T).tocsr()


def associate(train: Sequences) -> Pairs:
    """Count co-occurrence in training sequences and score it.

    Args:
        train: training parts only; validation and test events must not be in it.
    """
    users = np.repeat(np.arange(len(train)), train.lengths())
    ones = np.ones(len(users))
    seen = sparse.coo_array((ones, (users, train.items - 1)), shape=(len(train), train.n_items)).tocsr()
    seen.data[:] = 1.0  # duplicates were summed: an item counts once a user
    upper = sparse.triu(seen.T @ seen, k=1).tocoo()
    rows, columns = (np.asarray(axis, dtype=np.int64) for axis in upper.coords)
    order = np.lexsort((columns, rows))
    counts = upper.data[order]
    scores = np.log1p(counts) / np.log1p(counts.max()) if len(counts) else counts
    return Pairs(rows[order], columns[order], scores)


def hold_out(pairs: Pairs, share: float, seed: int) -> tuple[Pairs, Pairs]:
    """Return (kept, held): a random share of the pairs is held out of the graph for measuring."""
    order = np.random.Generator(np.random.PCG64(seed)).permutation(len(pairs))
    n_held = round(share * len(pairs))
    return pairs.take(np.sort(order[n_held:])), pairs.take(np.sort(order[:n_held]))
