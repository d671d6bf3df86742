"""Which rows are equal, told by digests: eight bytes a row, whatever the rows hold."""

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]


def first_equal(digests: Indices) -> Indices:
    """Return for each row the first row of the same digest, itself if there is none before; shape (rows,)."""
    _, firsts, inverse = np.unique(digests, return_index=True, return_inverse=True)
    return np.asarray(firsts[inverse], dtype=np.int64)
