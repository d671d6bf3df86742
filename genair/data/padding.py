"""Histories as rectangles: the most recent events, padded at the end."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from genair.data.sequences import Sequences

Indices = npt.NDArray[np.int64]
_SCORES_BYTES = 16 << 20  # stay in a large cache while they are looked at
_MOST_USERS = 512  # of a small catalogue: histories take memory, too


def pad_histories(histories: Sequences, users: Indices, max_length: int) -> Indices:
    """Return the last events of some users, shape (users, longest), padded with 0 at the end."""
    lengths = np.minimum(histories.lengths()[users], max_length)
    columns = np.arange(lengths.max(initial=1))
    present = columns < lengths[:, None]
    starts = histories.offsets[users + 1] - lengths
    padded = np.zeros(present.shape, dtype=np.int64)
    padded[present] = histories.items[(starts[:, None] + columns)[present]]
    return padded


def users_together(n_items: int) -> int:
    """Return how many users' float32 scores of n items fit 16 MiB, 512 at most."""
    return max(1, min(_MOST_USERS, _SCORES_BYTES // (4 * n_items)))


def batches_of_like_length(histories: Sequences, size: int | None = None) -> Iterator[Indices]:
    """Yield the users in batches, shortest history first, so that little is padded.

    Args:
        histories: of the users; those without events are in no batch.
        size: users a batch; None is `users_together`.
    """
    wanted = size or users_together(histories.n_items)
    lengths = histories.lengths()
    users = np.argsort(lengths, kind="stable")[np.count_nonzero(lengths == 0) :]
    for start in range(0, len(users), wanted):
        yield users[start : start + wanted]
