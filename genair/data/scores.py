"""How much two items belong together: from counts to scores s_ij, symmetric and in (0, 1].

A score works in two steps. `strengths` is applied to the rows of c block by block; whatever is larger is the
stronger pair, and 0 is none. `finish` turns the strengths of the pairs that were kept into s_ij.
"""

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from scipy import sparse

from genair.data.cooccurrence import Cooccurrence

Floats = npt.NDArray[np.float64]
Strengths = npt.NDArray[Any]  # int32 counts or float64
_ROUNDING = 1e-9  # a lift this little above 1 is independence


class Score(Protocol):
    """A score, made for one log."""

    def __init__(self, counted: Cooccurrence) -> None:
        """Take the marginals that it needs."""

    def strengths(self, start: int, rows: sparse.csr_array) -> Strengths:
        """Return a number for each entry of the rows of c from item `start` on, shape (entries,)."""

    def finish(self, strengths: Strengths) -> Floats:
        """Return s_ij of the strengths of all pairs kept, shape (pairs,)."""


class Log:
    """s_ij = log(1 + c_ij) / log(1 + max c), GenAIR's."""

    def __init__(self, counted: Cooccurrence) -> None:
        """Take nothing."""

    def strengths(self, start: int, rows: sparse.csr_array) -> Strengths:
        """Return c_ij."""
        return np.asarray(rows.data)

    def finish(self, strengths: Strengths) -> Floats:
        """Return the scores."""
        counts = strengths.astype(np.float64)
        return np.log1p(counts) / np.log1p(counts.max(initial=0)) if len(counts) else counts


class Ppmi:
    """s_ij = max(0, log(c_ij N / (c_i c_j))) over its maximum; N = sum of all c_ij, in both orders.

    Positive pointwise mutual information (Levy, Goldberg & Dagan, TACL 2015) without their smoothing of
    contexts, which is not symmetric. Pairs at or below independence are no pairs.
    """

    def __init__(self, counted: Cooccurrence) -> None:
        """Take c_i."""
        self._totals = counted.totals()
        self._all = float(self._totals.sum())

    def strengths(self, start: int, rows: sparse.csr_array) -> Strengths:
        """Return c_ij N / (c_i c_j), or 0 where it is not above 1."""
        lift = _over_product(rows.data * self._all, self._totals, start, rows)
        lift[lift <= 1 + _ROUNDING] = 0
        return lift

    def finish(self, strengths: Strengths) -> Floats:
        """Return the scores."""
        logs: Floats = np.log(strengths)
        return logs / logs.max() if len(logs) else logs


class Cosine:
    """s_ij = c_ij / sqrt(n_i n_j)."""

    def __init__(self, counted: Cooccurrence) -> None:
        """Take n_i."""
        self._users = counted.users()

    def strengths(self, start: int, rows: sparse.csr_array) -> Strengths:
        """Return the scores' squares."""
        return _over_product(rows.data.astype(np.float64) ** 2, self._users, start, rows)

    def finish(self, strengths: Strengths) -> Floats:
        """Return the scores; rounding takes none above 1."""
        return np.minimum(np.sqrt(strengths), 1.0)


class Jaccard:
    """s_ij = c_ij / (n_i + n_j - c_ij): the weight of the users of both over that of the users of either."""

    def __init__(self, counted: Cooccurrence) -> None:
        """Take n_i."""
        self._users = counted.users()

    def strengths(self, start: int, rows: sparse.csr_array) -> Strengths:
        """Return the scores."""
        either = _own(self._users, start, rows)
        either += self._users[rows.indices]
        either -= rows.data
        return np.asarray(np.divide(rows.data, either, out=either))

    def finish(self, strengths: Strengths) -> Floats:
        """Return the scores; rounding takes none above 1."""
        return np.minimum(strengths, 1.0)


def _over_product(numbers: Floats, marginals: Floats, start: int, rows: sparse.csr_array) -> Floats:
    """Divide the numbers of the entries by the product of the marginals of both items, in place."""
    product = _own(marginals, start, rows)
    product *= marginals[rows.indices]
    return np.divide(numbers, product, out=numbers)


def _own(marginals: Floats, start: int, rows: sparse.csr_array) -> Floats:
    """Return the marginal of the row's item for each entry."""
    return np.repeat(marginals[start : start + rows.shape[0]], np.diff(rows.indptr))
