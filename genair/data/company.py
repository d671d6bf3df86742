"""Who is together with what: histories as two sparse factors, for a run of items at a time.

A *holding* is one user's having one item, however often. For the items from start to stop there are
`holders` (items x holdings: whose holding is it) and `partners` (holdings x items: what is together with it,
itself included), both of ones, so that holders @ partners counts users. Taken run by run, neither has to be
in memory for all items at once.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy import sparse

from genair.data.sequences import Sequences

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Holdings:
    """The holdings of a run of items.

    Attributes:
        holders: int32 ones, shape (items of the run, holdings).
        partners: int32 ones, shape (holdings, all items).
        owners: int64 user of each holding, shape (holdings,).
    """

    holders: sparse.csr_array
    partners: sparse.csr_array
    owners: Integers


class Company(Protocol):
    """What it means to be together."""

    def sizes(self) -> npt.NDArray[np.float64]:
        """Return, for each item, an upper bound of the entries that its row takes, shape (items,)."""

    def of(self, start: int, stop: int) -> Holdings:
        """Return the holdings of the items from start to stop."""


def memberships(train: Sequences) -> sparse.csr_array:
    """Return who has what, int32 ones, shape (users, items); a repeated item is one entry."""
    index = sparse.get_index_dtype(maxval=max(len(train.items), train.n_items))
    parts = (_ones(len(train.items)), (train.items - 1).astype(index), train.offsets.astype(index))
    return _distinct(sparse.csr_array(parts, shape=(len(train), train.n_items)))


class WholeHistories:
    """Two items are together if one user has both."""

    def __init__(self, seen: sparse.csr_array) -> None:
        """Take who has what, as `memberships` returns it."""
        self._partners = seen
        self._holders = seen.T.tocsr()
        self._owners = np.arange(seen.shape[0])

    def sizes(self) -> npt.NDArray[np.float64]:
        """Return the users' distinct items, summed over the users of each item; at most all items."""
        entries = np.asarray(self._holders @ np.diff(self._partners.indptr), dtype=np.float64)
        return np.minimum(entries, self._holders.shape[0])

    def of(self, start: int, stop: int) -> Holdings:
        """Return the holdings of the items from start to stop: a column of `holders` is a user."""
        return Holdings(self._holders[start:stop], self._partners, self._owners)


class Windows:
    """Two items are together if one user has both at most `window` events apart."""

    def __init__(self, train: Sequences, window: int) -> None:
        """Take training sequences; a repetition is an event like any other."""
        self._train, self._window = train, window
        self._order = np.argsort(train.items, kind="stable")  # by item, then user, then time
        self._starts = np.searchsorted(train.items, np.arange(1, train.n_items + 2), sorter=self._order)
        self._users = np.repeat(np.arange(len(train)), train.lengths())

    def sizes(self) -> npt.NDArray[np.float64]:
        """Return the events around those of each item; where windows overlap, they count twice."""
        around = np.minimum(self._train.lengths(), 2 * self._window + 1)[self._users]
        sums = np.bincount(self._train.items - 1, weights=around, minlength=self._train.n_items)
        return np.asarray(sums, dtype=np.float64)

    def of(self, start: int, stop: int) -> Holdings:
        """Return the holdings of the items from start to stop: one for each item and user."""
        events = self._order[self._starts[start] : self._starts[stop]]
        users, items = self._users[events], self._train.items[events]
        new = np.ones(len(events), dtype=np.bool_)
        new[1:] = (users[1:] != users[:-1]) | (items[1:] != items[:-1])
        holders = _offsets(new)[self._starts[start : stop + 1] - self._starts[start]]
        owners = users[new]
        n_holdings = len(owners)
        return Holdings(
            _ones_csr(holders, np.arange(n_holdings), n_holdings),
            self._partners(events, users, new),
            owners,
        )

    def _partners(self, events: Integers, users: Integers, new: npt.NDArray[np.bool_]) -> sparse.csr_array:
        """Return what lies in the windows; an event in several windows of a holding is visited once."""
        first = np.maximum(events - self._window, self._train.offsets[users])
        last = np.minimum(events + self._window, self._train.offsets[users + 1] - 1)
        again = np.flatnonzero(~new)
        first[again] = np.maximum(first[again], last[again - 1] + 1)
        ends = _offsets(last - first + 1)
        visited = np.arange(ends[-1]) + np.repeat(first - ends[:-1], np.diff(ends))
        bounds = np.append(ends[:-1][new], ends[-1])
        return _distinct(_ones_csr(bounds, self._train.items[visited] - 1, self._train.n_items))


def _offsets(lengths: npt.NDArray[np.generic]) -> Integers:
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])


def _ones(count: int) -> npt.NDArray[np.int32]:
    return np.ones(count, dtype=np.int32)


def _ones_csr(bounds: Integers, columns: Integers, width: int) -> sparse.csr_array:
    index = sparse.get_index_dtype(maxval=max(len(columns), width))
    parts = (_ones(len(columns)), columns.astype(index), bounds.astype(index))
    return sparse.csr_array(parts, shape=(len(bounds) - 1, width))


def _distinct(matrix: sparse.csr_array) -> sparse.csr_array:
    """Return a matrix of ones with each entry once."""
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix
