"""How far a space agrees with behaviour, and whether it is still a space.

Everything is measured on pairs held out of the graph, by cosine; the same numbers before and after. They are
told from pairs that are not associated: in a dense graph most random pairs are ones learned from.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import stats

from genair.calibrate.rank import effective_rank
from genair.calibrate.transfer import neighbours_kept, transfer_ndcg
from genair.data.association import Pairs
from genair.data.sequences import Held

Vectors = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
_FEWEST = 10_000  # random pairs
_PAIRS = 8192  # looked at together
_EXCHANGES = 20  # rounds; what is no pair by then is left out


@dataclass(frozen=True)
class Diagnostics:
    """What a `Judge` finds; nan where there is nothing to measure on.

    Attributes:
        auc: probability that a held-out associated pair is nearer than a pair in neither part of the graph;
            .5 is chance. What a user had beyond the window, or the cap cut off, is in neither.
        auc_matched: the same against such pairs of equally popular items: each end is drawn as often as it
            ends a held-out pair, since popularity alone lifts `auc`. Items associated with nearly all others
            have too few such pairs, and are drawn less.
        spearman: rank correlation of cosine and s_ij over held-out pairs.
        effective_rank: see `genair.calibrate.rank`; 1 is collapsed, at most min(items - 1, dim).
        mean_cosine: between random different items; near 1, all vectors point one way.
        neighbours_kept: share of items' ten nearest that are the input's; 1 for the input.
        ndcg: NDCG@10 of the validation events without any training; see `genair.calibrate.transfer`.
    """

    auc: float
    auc_matched: float
    spearman: float
    effective_rank: float
    mean_cosine: float
    neighbours_kept: float
    ndcg: float


class Judge:
    """Measures spaces of one catalogue on what is held back: pairs of the graph, and validation events."""

    def __init__(self, graph: Pairs, held: Pairs, seed: int, valid: Held | None = None) -> None:
        """Take what is known and what is held back.

        Args:
            graph: the pairs learned from.
            held: associated pairs that were kept out of it.
            seed: of what is sampled: pairs, items, users.
            valid: validation events, if there are any.
        """
        self._graph, self._held = graph, held
        self._seed = seed
        self._valid = valid

    def measure(self, vectors: Vectors, origin: Vectors | None = None) -> Diagnostics:
        """Measure vectors (items, dim); origin is the space they were made of, None if they are it."""
        unit = unit_rows(vectors)
        near = _cosines(unit, self._held.rows, self._held.columns)
        rows, columns = _random_pairs(len(unit), max(len(near), _FEWEST), self._seed)
        ranked = len(near) > 2 and np.ptp(self._held.scores) > 0 and np.ptp(near) > 0
        return Diagnostics(
            auc=self.auc(unit),
            auc_matched=self.auc_matched(unit),
            spearman=float(stats.spearmanr(near, self._held.scores).statistic) if ranked else float("nan"),
            effective_rank=effective_rank(vectors),
            mean_cosine=float(_cosines(unit, rows, columns).mean()),
            neighbours_kept=1.0 if origin is None else neighbours_kept(unit_rows(origin), unit, self._seed),
            ndcg=self.ndcg(unit),
        )

    def auc(self, unit: Vectors) -> float:
        """Return `Diagnostics.auc` of unit vectors (items, dim)."""
        rows, columns = _random_pairs(len(unit), max(len(self._held), _FEWEST), self._seed)
        apart = self._apart(rows, columns)
        return self._auc_against(unit, rows[apart], columns[apart])

    def auc_matched(self, unit: Vectors) -> float:
        """Return `Diagnostics.auc_matched` of unit vectors (items, dim)."""
        return self._auc_against(unit, *self._matched)

    def ndcg(self, unit: Vectors) -> float:
        """Return `Diagnostics.ndcg` of unit vectors (items, dim)."""
        return float("nan") if self._valid is None else transfer_ndcg(unit, self._valid, self._seed)

    def _auc_against(self, unit: Vectors, rows: Indices, columns: Indices) -> float:
        near = _cosines(unit, self._held.rows, self._held.columns)
        return _auc(near, _cosines(unit, rows, columns))

    @cached_property
    def _known(self) -> Indices:
        """All associated pairs as numbers, rising, and one that is none behind them."""
        known = np.concatenate([_numbers(pairs.rows, pairs.columns) for pairs in (self._graph, self._held)])
        return np.append(np.sort(known), np.iinfo(np.int64).max)

    def _apart(self, rows: Indices, columns: Indices) -> npt.NDArray[np.bool_]:
        """Return which pairs are of different items that are not associated."""
        pairs = _numbers(np.minimum(rows, columns), np.maximum(rows, columns))
        known = self._known[np.searchsorted(self._known, pairs)] == pairs
        return np.asarray((rows != columns) & ~known)

    @cached_property
    def _matched(self) -> tuple[Indices, Indices]:
        """Pairs of items, not associated, whose ends are those of the held-out pairs, shuffled.

        A pair that is none exchanges an end with one that is, if both are some afterwards: left out at once,
        popular items, which have more associations, would be drawn less than they end held-out pairs.
        """
        rng = np.random.Generator(np.random.PCG64(self._seed))
        held = self._held
        ends = np.tile(np.concatenate([held.rows, held.columns]), -(-_FEWEST // max(1, len(held))))
        rows, columns = rng.permutation(ends), rng.permutation(ends)
        fine = self._apart(rows, columns)
        for _ in range(_EXCHANGES):
            count = min(fine.sum(), (~fine).sum())
            one, other = (rng.permutation(np.flatnonzero(some))[:count] for some in (~fine, fine))
            both = self._apart(rows[one], columns[other]) & self._apart(rows[other], columns[one])
            one, other = one[both], other[both]
            columns[one], columns[other] = columns[other], columns[one]
            fine[one] = True
        return rows[fine], columns[fine]


def _numbers(rows: Indices, columns: Indices) -> Indices:
    """Return a number for each pair of item rows."""
    return rows << 32 | columns


def unit_rows(vectors: Vectors) -> Vectors:
    """Return the vectors scaled to length 1; a zero vector stays zero."""
    squares = np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64)  # float32 ends at 1e38
    lengths = np.where(squares > 0, np.sqrt(squares), 1).astype(vectors.dtype)
    return np.asarray(vectors / lengths[:, None], dtype=np.float32)


def _cosines(unit: Vectors, rows: Indices, columns: Indices) -> Vectors:
    found = np.empty(len(rows), dtype=np.float32)
    for start in range(0, len(rows), _PAIRS):
        some = slice(start, start + _PAIRS)
        np.einsum("nd,nd->n", unit[rows[some]], unit[columns[some]], out=found[some])
    return found


def _random_pairs(n: int, count: int, seed: int) -> tuple[Indices, Indices]:
    rng = np.random.Generator(np.random.PCG64(seed))
    rows = rng.integers(0, n, count)
    return rows, (rows + rng.integers(1, n, count)) % n  # never an item with itself


def _auc(near: Vectors, far: Vectors) -> float:
    if not len(near) or not len(far):
        return float("nan")
    ranks = stats.rankdata(np.concatenate([near, far]))  # ties share their mean rank
    below = ranks[: len(near)].sum() - len(near) * (len(near) + 1) / 2
    return float(below / (len(near) * len(far)))
