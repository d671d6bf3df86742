"""What is asked of a window of events: what the model sees of it, and what it is to find.

Which task trains a backbone is the backbone's to say: a causal one learns what comes next after each event,
another what its masked events are.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from genair.models.base import MASK

Indices = npt.NDArray[np.int64]
Task = Callable[[Indices], tuple[Indices, Indices]]
"""Maps windows (windows, length), padded with 0 at the end, to inputs and targets, 0 where none is."""


def next_item(whole: Indices) -> tuple[Indices, Indices]:
    """Ask after each event but the last for the one that follows; one column less."""
    targets = whole[:, 1:]
    return np.where(targets != 0, whole[:, :-1], 0), targets


def cloze(probability: float, rng: np.random.Generator) -> Task:
    """Return the task of guessing masked events, each with this probability, and in each window at least one.

    A window of which chance masks nothing has its last event masked: what is asked for when serving.
    """

    def task(whole: Indices) -> tuple[Indices, Indices]:
        events = whole != 0
        masked = events & (rng.random(whole.shape) < probability)
        spared = np.flatnonzero(~masked.any(axis=1))
        masked[spared, events[spared].sum(axis=1) - 1] = True
        return np.where(masked, MASK, whole), np.where(masked, whole, 0)

    return task
