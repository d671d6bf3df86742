"""Whether the rows of a file are a space: numbers, directions, and more than one of them."""

import numpy as np
import numpy.typing as npt

from genair.calibrate.rank import effective_rank, least_rank
from genair.check.equals import first_equal
from genair.check.findings import NOWHERE, Places, one_place
from genair.check.stored import Stored

_FEWEST_DIRECTIONS = 2.0


def damaged(stored: Stored) -> Places:
    """Find what cannot be read, or is not what was written."""
    return stored.damage


def not_finite(stored: Stored) -> Places:
    """Find vectors with what is no number."""
    if stored.vectors is None:
        return NOWHERE
    ids = stored.item_ids
    return stored.at(~_finite(stored.vectors), lambda row: f"vector of item {ids[row]!r} is not finite")


def zero_vectors(stored: Stored) -> Places:
    """Find vectors without a direction."""
    if stored.vectors is None:
        return NOWHERE
    ids, zero = stored.item_ids, np.asarray(~stored.vectors.any(axis=1))
    return stored.at(zero, lambda row: f"vector of item {ids[row]!r} is zero and has no direction")


def no_difference(stored: Stored) -> Places:
    """Find that all vectors are the same."""
    if not _are_all_equal(stored.vectors):
        return NOWHERE
    return one_place(stored.name, "the input vectors do not differ: nothing tells items apart")


def equal_vectors(stored: Stored) -> Places:
    """Find vectors that an earlier row has, too."""
    if stored.vectors is None or _are_all_equal(stored.vectors):
        return NOWHERE
    ids = stored.item_ids
    first = first_equal(np.fromiter((hash(row.tobytes()) for row in stored.vectors), dtype=np.int64))
    return stored.at(
        first != np.arange(len(first)),
        lambda row: f"vector of item {ids[row]!r} is that of {ids[first[row]]!r}: nothing tells them apart",
    )


def collapsed(stored: Stored) -> Places:
    """Find that the space has lost most of its directions, by the measure of `genair calibrate`."""
    vectors = stored.vectors
    if vectors is None or _are_all_equal(vectors) or not _finite(vectors).all():
        return NOWHERE
    items, dim = vectors.shape
    if stored.rank_before is None:
        least = min(_FEWEST_DIRECTIONS, least_rank(items - 1, dim))
    else:
        least = least_rank(stored.rank_before, dim)
    rank = effective_rank(vectors)
    if rank >= least:
        return NOWHERE
    return one_place(stored.name, f"the space is collapsed: effective rank {rank:.1f}, less than {least:.1f}")


def _finite(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    return np.asarray(np.isfinite(vectors).all(axis=1))


def _are_all_equal(vectors: npt.NDArray[np.float32] | None) -> bool:
    return vectors is not None and len(vectors) > 0 and bool((vectors == vectors[0]).all())
