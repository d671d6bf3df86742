"""How far a space agrees with behaviour, and whether it is still a space.

Everything is measured on pairs held out of the graph, by cosine; the same numbers before and after. They are
told from pairs that no user ever had together: in a dense graph most random pairs are ones learned from.
"""

from dataclasses import dataclass

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


@dataclass(frozen=True)
class Diagnostics:
    """What a `Judge` finds; nan where there is nothing to measure on.

    Attributes:
        auc: probability that a held-out associated pair is nearer than a never associated one; .5 is chance.
        auc_matched: the same against never associated pairs of equally popular items: each end is drawn as
            often as it ends a held-out pair, since popularity alone lifts `auc`.
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
        return self._auc_against(unit, rows, columns)

    def auc_matched(self, unit: Vectors) -> float:
        """Return `Diagnostics.auc_matched` of unit vectors (items, dim)."""
        return self._auc_against(unit, *_matched_pairs(self._held, self._seed))

    def ndcg(self, unit: Vectors) -> float:
        """Return `Diagnostics.ndcg` of unit vectors (items, dim)."""
        return float("nan") if self._valid is None else transfer_ndcg(unit, self._valid, self._seed)

    def _auc_against(self, unit: Vectors, rows: Indices, columns: Indices) -> float:
        apart = ~_associated(rows, columns, len(unit), (self._graph, self._held))
        near = _cosines(unit, self._held.rows, self._held.columns)
        return _auc(near, _cosines(unit, rows[apart], columns[apart]))


def unit_rows(vectors: Vectors) -> Vectors:
    """Return the vectors scaled to length 1; a zero vector stays zero."""
    squares = np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64)  # float32 ends at 1e38
    lengths = np.where(squares > 0, np.sqrt(squares), 1).astype(vectors.dtype)
    return np.asarray(vectors / lengths[:, None], dtype=np.float32)


def _cosines(unit: Vectors, rows: Indices, columns: Indices) -> Vectors:
    return np.asarray(np.einsum("nd,nd->n", unit[rows], unit[columns]), dtype=np.float32)


def _random_pairs(n: int, count: int, seed: int) -> tuple[Indices, Indices]:
    rng = np.random.Generator(np.random.PCG64(seed))
    rows = rng.integers(0, n, count)
    return rows, (rows + rng.integers(1, n, count)) % n  # never an item with itself


def _matched_pairs(held: Pairs, seed: int) -> tuple[Indices, Indices]:
    """Return pairs of different items whose ends are those of the held-out pairs, shuffled."""
    rng = np.random.Generator(np.random.PCG64(seed))
    ends = np.tile(np.concatenate([held.rows, held.columns]), -(-_FEWEST // max(1, len(held))))
    rows, columns = rng.permutation(ends), rng.permutation(ends)
    different = rows != columns
    return rows[different], columns[different]


def _associated(rows: Indices, columns: Indices, n: int, groups: tuple[Pairs, ...]) -> npt.NDArray[np.bool_]:
    """Return which pairs are in one of the groups, in either order."""
    known = np.concatenate([pairs.rows * n + pairs.columns for pairs in groups])
    return np.isin(np.minimum(rows, columns) * n + np.maximum(rows, columns), known)


def _auc(near: Vectors, far: Vectors) -> float:
    if not len(near) or not len(far):
        return float("nan")
    ranks = stats.rankdata(np.concatenate([near, far]))  # ties share their mean rank
    below = ranks[: len(near)].sum() - len(near) * (len(near) + 1) / 2
    return float(below / (len(near) * len(far)))
