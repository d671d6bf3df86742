"""How far a space agrees with behaviour, and whether it is still a space.

Everything is measured on pairs held out of the graph, by cosine; the same numbers before and after.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from genair.data.association import Pairs

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Diagnostics:
    """What `measure` finds; nan where there is nothing to measure on.

    Attributes:
        auc: probability that a held-out associated pair is nearer than a random one; .5 is chance.
        spearman: rank correlation of cosine and s_ij over held-out pairs.
        effective_rank: exp of the entropy of the centred vectors' normalised singular values
            (Roy & Vetterli, EUSIPCO 2007); 1 is collapsed, at most min(items - 1, dim).
        mean_cosine: between random different items; near 1, all vectors point one way.
    """

    auc: float
    spearman: float
    effective_rank: float
    mean_cosine: float


def measure(vectors: Vectors, held: Pairs, seed: int) -> Diagnostics:
    """Measure vectors (items, dim) against held-out pairs; random pairs come from the seed."""
    unit = unit_rows(vectors)
    near = _cosines(unit, held.rows, held.columns)
    rows, columns = _random_pairs(len(vectors), max(len(held), 10_000), seed)
    far = _cosines(unit, rows, columns)
    ranked = len(near) > 2 and np.ptp(held.scores) > 0 and np.ptp(near) > 0
    return Diagnostics(
        auc=_auc(near, far),
        spearman=float(stats.spearmanr(near, held.scores).statistic) if ranked else float("nan"),
        effective_rank=effective_rank(vectors),
        mean_cosine=float(far.mean()),
    )


def effective_rank(vectors: Vectors) -> float:
    """Return exp of the entropy of the normalised singular values of the centred vectors."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    gram = centred.T @ centred if len(centred) >= centred.shape[1] else centred @ centred.T
    values = np.sqrt(np.maximum(np.linalg.eigvalsh(gram), 0))
    values = values[values > values.max() * 1e-9] if values.max() > 0 else values[:0]
    shares = values / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def unit_rows(vectors: Vectors) -> Vectors:
    """Return the vectors scaled to length 1; a zero vector stays zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def _cosines(unit: Vectors, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]) -> Vectors:
    return np.asarray(np.einsum("nd,nd->n", unit[rows], unit[columns]), dtype=np.float32)


def _random_pairs(n: int, count: int, seed: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    rng = np.random.Generator(np.random.PCG64(seed))
    rows = rng.integers(0, n, count)
    return rows, (rows + rng.integers(1, n, count)) % n  # never an item with itself


def _auc(near: Vectors, far: Vectors) -> float:
    if not len(near):
        return float("nan")
    u = stats.mannwhitneyu(near, far, method="asymptotic").statistic
    return float(u / (len(near) * len(far)))
