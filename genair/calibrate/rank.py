"""How many directions a space of vectors uses, and when it counts as collapsed."""

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

Vectors = npt.NDArray[np.float32]


def effective_rank(vectors: Vectors) -> float:
    """Return exp of the entropy of the normalised singular values of the centred vectors (items, dim).

    1 is collapsed, and min(items - 1, dim) the most there can be (Roy & Vetterli, EUSIPCO 2007).
    """
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    with threadpool_limits(1, user_api="blas"):  # the same digits on any number of cores
        gram = centred.T @ centred if len(centred) >= centred.shape[1] else centred @ centred.T
        values = np.sqrt(np.maximum(np.linalg.eigvalsh(gram), 0))
    values = values[values > values.max() * 1e-9] if values.max() > 0 else values[:0]
    shares = values / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def least_rank(before: float, dim: int) -> float:
    """Return the effective rank below which a calibrated space counts as collapsed.

    It is a third of what the input's effective rank, `before`, and the size of the result allow.
    """
    return min(before, float(dim)) / 3
