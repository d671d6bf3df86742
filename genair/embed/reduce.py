"""Principal components of one view, fitted in one pass over blocks of rows and saved for items to come.

Exact and without holding the data: the mean and the covariance (hidden x hidden) are summed in float64 and
the eigenvectors taken from them. Signs are fixed (the largest entry of a component is positive), so equal
states give equal vectors.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genair.errors import InputError

Rows = npt.NDArray[np.float32]
_LEAST = 1e-12  # of the largest variance: below it are roundings, and items to come need not be near 0 there


@dataclass(frozen=True)
class PCA:
    """A fitted projection.

    Attributes:
        mean: float64, shape (hidden,).
        components: float64, shape (dim, hidden), orthonormal rows.
        explained_variance: float64, shape (dim,), falling.
    """

    mean: npt.NDArray[np.float64]
    components: npt.NDArray[np.float64]
    explained_variance: npt.NDArray[np.float64]

    def project(self, rows: Rows) -> Rows:
        """Return the scores of rows (n, hidden): float32, shape (n, dim)."""
        return ((rows - self.mean) @ self.components.T).astype(np.float32)

    @classmethod
    def of(cls, arrays: Mapping[str, npt.NDArray[np.float64]]) -> "PCA":
        """Take back what `arrays` returned.

        Raises:
            ValueError: the sizes do not fit together, or a number is not finite.
            TypeError: an array is missing, or there is one too many.
        """
        pca = cls(**arrays)
        if pca.components.shape != (*pca.explained_variance.shape, *pca.mean.shape):
            raise ValueError(f"components {pca.components.shape} for a mean of {pca.mean.shape}")
        if not all(np.isfinite(array).all() for array in arrays.values()):
            raise ValueError("numbers that are not finite")
        return pca

    def arrays(self) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return what a file must keep to project new items later."""
        return vars(self)


def fit_pca(blocks: Iterable[Rows], dim: int) -> PCA:
    """Fit on blocks of rows (n, hidden).

    Args:
        blocks: all rows, in any number of blocks.
        dim: most components; none is kept along which no two rows differ, so at most hidden and rows - 1.

    Raises:
        InputError: there are fewer than two rows, so nothing varies.
    """
    count, total, outer = 0, np.zeros(0), np.zeros((0, 0))
    shift: npt.NDArray[np.float64] | None = None
    for block in blocks:
        rows = block.astype(np.float64)
        if shift is None:  # near the mean, so that the sums do not cancel
            shift = rows.mean(axis=0)
            total, outer = np.zeros(rows.shape[1]), np.zeros((rows.shape[1],) * 2)
        rows -= shift
        count += len(rows)
        total += rows.sum(axis=0)
        outer += rows.T @ rows
    if shift is None or count < 2:
        raise InputError(f"a projection needs two items or more, found {count}")
    offset = total / count
    covariance = (outer - count * np.outer(offset, offset)) / (count - 1)
    if not np.isfinite(covariance).all():
        raise InputError("the states hold numbers that are not finite")
    values, vectors = np.linalg.eigh(covariance)
    varying = int(np.sum(values > _LEAST * values[-1]))
    kept = max(1, min(dim, varying, count - 1))
    components = vectors[:, ::-1][:, :kept].T
    peaks = components[np.arange(kept), np.abs(components).argmax(axis=1)]
    return PCA(shift + offset, components * np.sign(peaks)[:, None], np.maximum(values[::-1][:kept], 0))
