"""Calibration in closed form: of all maps of a kind, the one under which associated items differ least.

With f(z) the features of an item (`genair.calibrate.residual`), centred, and A the normalised attraction, the
directions v that maximise
    sum_ij A_ij f_i.v f_j.v   subject to   mean_i (f_i.v)^2 + ridge t |v|^2 p / n = 1
with p features of mean variance t and n items, are the leading eigenvectors of a p x p matrix: locality
preserving projections (He & Niyogi, NIPS 2003) on random features. Each is worth its eigenvalue, how far
behaviour agrees with it, so coordinates are scaled by a power of that, as in diffusion maps (Coifman & Lafon,
2006): but for a factor, products of vectors are then A itself (1/2), or A applied twice (1), as far as
features tell it. Where behaviour contradicts a direction its eigenvalue is negative: it counts little, but
tells items apart that had no events yet. No step size, no stopping, and the same map takes items to come.
"""

import numpy as np
import numpy.typing as npt
import torch
from scipy import linalg, sparse
from threadpoolctl import threadpool_limits

from genair.calibrate.attraction import attraction
from genair.calibrate.residual import ResidualAdapter
from genair.config import SpectralConfig
from genair.data.association import Pairs
from genair.errors import InputError

Matrix = npt.NDArray[np.float64]
_ROWS, _COLUMNS = 4096, 512  # of a block
_LEAST = 1e-6  # of the largest variance: below it are the roundings of float32
_LEAST_WORTH = 0.01  # of the best direction's: where behaviour does not agree


def solve(
    vectors: torch.Tensor, pairs: Pairs, dim: int, gamma: float, seed: int, config: SpectralConfig
) -> ResidualAdapter:
    """Return the best map of vectors (items, z) to at most dim numbers.

    Args:
        vectors: the frozen input.
        pairs: the associated pairs.
        dim: most directions to keep; there are no more than features, or items - 1.
        gamma: see `genair.calibrate.attraction`.
        seed: of the random features.
        config: how many features, and how pulls, weight and directions count.

    Raises:
        InputError: the ridge is smaller than roundings.
    """
    features = min(config.features, len(vectors))  # more could not tell more items apart
    kept = min(dim, vectors.shape[1] + features, max(1, len(vectors) - 1))
    adapter = ResidualAdapter(vectors.shape[1], features, kept)
    with torch.no_grad(), threadpool_limits(1, user_api="blas"):  # the same bytes on any number of cores
        adapter.fit_input(vectors, seed)
        pulls = attraction(pairs, len(vectors), gamma, config.tau)
        spread, agreement = _moments(adapter.features(vectors).numpy(), pulls)
        ridge = config.ridge / len(vectors)
        if len(spread) < len(vectors):
            values, directions = _leading(agreement, spread, ridge, kept)
        else:
            values, directions = _leading_of_few(agreement, spread, ridge, kept)
        best = values[0] if values[0] > 0 else 1.0
        worth = np.maximum(values / best, _LEAST_WORTH) ** config.power
        adapter.output[:, : len(worth)] = torch.from_numpy(directions * worth)
    return adapter


def _moments(rows: npt.NDArray[np.float32], pulls: sparse.csr_array) -> tuple[Matrix, Matrix]:
    """Return F^T F / n and F^T A F / n of features F (items, features)."""
    return _gram(rows, rows), _agreement(rows, pulls)


def _agreement(rows: npt.NDArray[np.float32], pulls: sparse.csr_array) -> Matrix:
    """Return F^T A F / n of features F (items, features)."""
    narrow = pulls.astype(np.float32)
    found = np.empty((rows.shape[1],) * 2)
    for start in range(0, rows.shape[1], _COLUMNS):
        some = np.ascontiguousarray(rows[:, start : start + _COLUMNS])
        found[:, start : start + _COLUMNS] = _gram(rows, narrow @ some)
    return _symmetric(found)


def _symmetric(matrix: Matrix) -> Matrix:
    """Return the mean of a matrix and its transpose."""
    both = matrix + matrix.T
    both /= 2
    return both


def _gram(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> Matrix:
    """Return one^T other / n, summed in float64 over blocks of rows."""
    total = np.zeros((one.shape[1], other.shape[1]))
    for start in range(0, len(one), _ROWS):
        total += one[start : start + _ROWS].T @ other[start : start + _ROWS]
    return total / len(one)


def _leading(agreement: Matrix, spread: Matrix, ridge: float, count: int) -> tuple[Matrix, Matrix]:
    """Return the largest values of agreement v = value (spread + ridge trace(spread)) v, falling, and v.

    Both matrices are symmetric, and used up: transposed, they have the order of LAPACK, which then works in
    them instead of in copies.
    """
    size = len(spread)
    spread.flat[:: size + 1] += ridge * max(float(np.trace(spread)), 1e-12)
    try:
        root = linalg.cholesky(spread.T, lower=True, overwrite_a=True)
    except linalg.LinAlgError as error:
        raise InputError(
            "--ridge is too small for these vectors, which differ along few directions: raise it"
        ) from error
    half = linalg.solve_triangular(root, agreement.T, lower=True, overwrite_b=True)
    whole = _symmetric(linalg.solve_triangular(root, half.T, lower=True))
    values, vectors = linalg.eigh(whole.T, overwrite_a=True, subset_by_index=[size - count, size - 1])
    directions = linalg.solve_triangular(root.T, vectors[:, ::-1], lower=False)
    peaks = directions[np.abs(directions).argmax(axis=0), np.arange(count)]
    return values[::-1], directions * np.where(peaks < 0, -1.0, 1.0)


def _leading_of_few(agreement: Matrix, spread: Matrix, ridge: float, count: int) -> tuple[Matrix, Matrix]:
    """Return `_leading`, at most count, of no more items than features.

    Along some directions no two items differ. Their value is 0, above that of those along which associated
    items differ most, so they must not be among those that are chosen from.
    """
    variances, directions = linalg.eigh(spread)
    differing = directions[:, variances > _LEAST * variances[-1]]
    if not differing.size:
        differing = directions[:, -1:]
    among = [differing.T @ matrix @ differing for matrix in (agreement, spread)]
    values, found = _leading(among[0], among[1], ridge, min(count, differing.shape[1]))
    return values, differing @ found
