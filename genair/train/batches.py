"""Training batches without a Python loop over events.

Histories longer than max_length + 1 are cut into windows that overlap by one event, so that what comes next
is a target once an epoch for every training event but a history's first. Batches hold windows of like
length, so padding is small; where one still has much of it, as at the long end, a model takes it in pieces.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from genair.data.padding import pad_histories
from genair.data.sequences import Sequences
from genair.train.tasks import Task

Indices = npt.NDArray[np.int64]
_POOL = 32  # batches sorted by length together
_WORTH = 512  # padded events that a piece of its own saves


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
    """Yield the task's (inputs, targets), int64 (windows, length) each, in random order."""
    for users in _like_lengths(cut.lengths(), batch_size, rng):
        yield task(pad_histories(cut, users, int(cut.lengths()[users].max())))


def pieces(lengths: Indices) -> list[slice]:
    """Cut a batch, lengths (windows,) ascending, so that little is padded, each piece as wide as its last.

    A piece has windows of more than half its width, unless they are too few to be worth one of their own.
    """
    found, stop = [], len(lengths)
    while stop:
        width = int(lengths[stop - 1])
        start = int(np.searchsorted(lengths[:stop], width // 2, side="right"))
        if start and start * (width - int(lengths[start - 1])) < _WORTH:
            start = 0
        found.append(slice(start, stop))
        stop = start
    return found[::-1]


def _like_lengths(lengths: Indices, batch_size: int, rng: np.random.Generator) -> list[Indices]:
    order = rng.permutation(len(lengths))
    batches = []
    for start in range(0, len(order), batch_size * _POOL):
        pool = order[start : start + batch_size * _POOL]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        batches += [pool[first : first + batch_size] for first in range(0, len(pool), batch_size)]
    return [batches[index] for index in rng.permutation(len(batches))]
