"""Training batches without a Python loop over events.

Histories longer than max_length + 1 are cut into windows that overlap by one event, so that what comes next
is a target once an epoch for every training event but a history's first. A batch is drawn from all windows,
whatever their lengths: batches of like lengths need no padding, but make worse recommenders (docs/method.md).
It is sorted, and a model packs it (`genair.models.layout`).
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from genair.data.padding import pad_histories
from genair.data.sequences import Sequences
from genair.train.tasks import Task

Indices = npt.NDArray[np.int64]


def windows(train: Sequences, max_length: int) -> Sequences:
    """Cut histories into windows of at most max_length + 1 events, each with an input and a target."""
    starts, lengths, owners = [], [], []
    for user in np.flatnonzero(train.lengths() >= 2).tolist():
        first, end = int(train.offsets[user]), int(train.offsets[user + 1])
        for stop in range(end, first + 1, -max_length):
            start = max(first, stop - max_length - 1)
            starts.append(start)
            lengths.append(stop - start)
            owners.append(train.user_ids[user])
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    shifts = np.repeat(np.asarray(starts, dtype=np.int64) - offsets[:-1], lengths)
    items = train.items[np.arange(offsets[-1]) + shifts]
    return Sequences(owners, offsets, items, train.n_items)


def count_batches(cut: Sequences, batch_size: int) -> int:
    """Return how many batches `epoch_batches` yields."""
    return -(-len(cut) // batch_size)


def epoch_batches(
    cut: Sequences, batch_size: int, task: Task, rng: np.random.Generator
) -> Iterator[tuple[Indices, Indices]]:
    """Yield the task's (inputs, targets), int64 (windows, length) each, of windows drawn at random."""
    lengths, order = cut.lengths(), rng.permutation(len(cut))
    for start in range(0, len(order), batch_size):
        drawn = order[start : start + batch_size]
        drawn = drawn[np.argsort(lengths[drawn], kind="stable")]
        yield task(pad_histories(cut, drawn, int(lengths[drawn[-1]])))
