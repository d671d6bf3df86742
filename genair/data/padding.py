"""Histories as rectangles: the most recent events, padded at the end."""

import numpy as np
import numpy.typing as npt

from genair.data.sequences import Sequences

Indices = npt.NDArray[np.int64]


def pad_histories(histories: Sequences, users: Indices, max_length: int) -> Indices:
    """Return the last events of some users, shape (users, longest), padded with 0 at the end."""
    lengths = np.minimum(histories.lengths()[users], max_length)
    columns = np.arange(lengths.max(initial=1))
    present = columns < lengths[:, None]
    starts = histories.offsets[users + 1] - lengths
    padded = np.zeros(present.shape, dtype=np.int64)
    padded[present] = histories.items[(starts[:, None] + columns)[present]]
    return padded
