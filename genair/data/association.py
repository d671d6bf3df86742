"""What is consumed together: a sparse graph over the items of training sequences.

c_ij = number of users whose training events hold both i and j, i != j (each user counts once a pair, so a
repeated item makes no self pair); s_ij in (0, 1] is a score of it, log(1 + c_ij) / log(1 + max c) by default.
What else may count as together is in `company`, how users weigh in `cooccurrence`; the scores are in
`scores`, and `strongest` says what happens to very many pairs.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import sparse

from genair.config import GraphConfig
from genair.data import SCORES
from genair.data.cooccurrence import Cooccurrence
from genair.data.sequences import Sequences
from genair.data.strongest import StrongestPairs


@dataclass(frozen=True)
class Pairs:
    """Associated pairs, each unordered pair once.

    Attributes:
        rows: int64, 0-based item rows i, shape (pairs,).
        columns: int64, 0-based item rows j > i, shape (pairs,).
        scores: float64 s_ij in (0, 1], shape (pairs,).
        dropped: how many weaker pairs were cut off from these.
    """

    rows: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float64]
    dropped: int = 0

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.rows)

    def take(self, chosen: npt.NDArray[np.int64]) -> "Pairs":
        """Return some of the pairs."""
        return Pairs(self.rows[chosen], self.columns[chosen], self.scores[chosen])

    def to_csr(self, n_items: int) -> sparse.csr_array[np.float64]:
        """Return the symmetric score matrix, shape (items, items), with a zero diagonal."""
        upper = self.upper(n_items)
        return upper + upper.T.tocsr()

    def upper(self, n_items: int) -> sparse.csr_array[np.float64]:
        """Return the scores above the diagonal, shape (items, items)."""
        return sparse.csr_array((self.scores, (self.rows, self.columns)), shape=(n_items, n_items))


class PairIndex:
    """Finds the pairs between some items of a catalogue of n; pairs are sorted when it is first asked."""

    def __init__(self, pairs: Pairs, n_items: int) -> None:
        """Take the pairs."""
        self._pairs, self._n = pairs, n_items

    @cached_property
    def _upper(self) -> sparse.csr_array[np.float64]:
        return self._pairs.upper(self._n)

    def within(self, rows: npt.NDArray[np.int64]) -> Pairs:
        """Return the pairs between some items, which get new rows: their places in `rows`.

        Args:
            rows: int64 item rows, all different.
        """
        part = self._upper[rows][:, rows].tocoo()
        one, other = (ends.astype(np.int64) for ends in part.coords)
        return Pairs(np.minimum(one, other), np.maximum(one, other), part.data)


def associate(train: Sequences, config: GraphConfig | None = None) -> Pairs:
    """Count co-occurrence in training sequences and score it; time grows with the pairs, memory does not.

    Args:
        train: training parts only; validation and test events must not be in it.
        config: what counts and how; None takes the defaults.

    Raises:
        UsageError: there is no such score.
    """
    config = config or GraphConfig()
    make_score = SCORES.get(config.score)
    counted = Cooccurrence(train, config)
    score = make_score(counted)
    kept = StrongestPairs(train.n_items, config.max_pairs)
    for start, rows in counted.blocks():
        rows.data = score.strengths(start, rows)
        kept.add(rows)
    upper = kept.pairs()
    rows_of = np.repeat(np.arange(train.n_items), np.diff(upper.indptr))
    columns = upper.indices.astype(np.int64)
    return Pairs(rows_of, columns, score.finish(upper.data), kept.seen() - len(columns))


def hold_out(pairs: Pairs, share: float, seed: int) -> tuple[Pairs, Pairs]:
    """Return (kept, held): a random share of the pairs is held out of the graph for measuring."""
    order = np.random.Generator(np.random.PCG64(seed)).permutation(len(pairs))
    n_held = round(share * len(pairs))
    return pairs.take(np.sort(order[n_held:])), pairs.take(np.sort(order[:n_held]))
