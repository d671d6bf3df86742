"""The split by time: one clock for all users, so that no later event of anybody is learned from.

The earliest 80 % of the events are training, the next 10 % the validation period, the last 10 % the test
period; events of equal time are on the same side. In a period one event of each user is predicted, the user's
first, from what came before the period: so nothing after its beginning is seen, by the model or in a history.
Users without an earlier event have nothing to be predicted from. What a split by users leaks: Ji, Sun, Zhang
and Li, "A critical study on data leakage in recommender system offline evaluation" (TOIS 2023).
"""

import numpy as np
import numpy.typing as npt

from genair.data.interactions import Times
from genair.data.sequences import Held, Indices, Sequences, Split, hold
from genair.errors import InputError

TRAIN, VALID = 0.8, 0.1  # shares of the events; the rest is test
_SAME_START = 0.5
_INSTEAD = "use --split last-two"


def split_by_time(sequences: Sequences, *, keep_seen: bool = False) -> Split:
    """Split all histories at two moments.

    Args:
        sequences: whole histories, with times; the parts have their known items.
        keep_seen: hold events of items that the user had before, too.

    Raises:
        InputError: the log has no times or they are no clock, they are too few to be split, or nobody has an
            event in a period and one before it, of a new item if repeats are not kept.
    """
    times = clock_of(sequences)
    ordered = np.sort(times)
    valid_from, test_from = (ordered[int(share * len(ordered))] for share in (TRAIN, TRAIN + VALID))
    if not ordered[0] < valid_from < test_from:
        raise InputError(
            f"too many events have the same time to be split by it: {_INSTEAD}", where=sequences.name
        )
    trained, before = (_counts(sequences, times < moment) for moment in (valid_from, test_from))
    return Split(
        train=sequences.select(np.arange(len(sequences)), trained).known_only(),
        valid=_next_events(sequences, trained, before, keep_seen=keep_seen),
        test=_next_events(sequences, before, sequences.lengths(), keep_seen=keep_seen),
        known=sequences.select(np.arange(len(sequences)), before).known_only(),
    )


def clock_of(sequences: Sequences) -> Times:
    """Return the time of every event, shape (events,), if it means the same for all users.

    Raises:
        InputError: there are no times, or they only number each user's events: most users begin at the same.
    """
    if sequences.times is None:
        raise InputError(f"the log has no timestamps to be split by: {_INSTEAD}", where=sequences.name)
    starts = sequences.times[sequences.offsets[:-1][sequences.lengths() > 0]]
    _, counts = np.unique(starts, return_counts=True)
    if counts.max() > max(1, _SAME_START * len(starts)):
        raise InputError(
            f"most users' first events have one time: timestamps that only count are no clock: {_INSTEAD}",
            where=sequences.name,
        )
    return sequences.times


def _counts(sequences: Sequences, chosen: npt.NDArray[np.bool_]) -> Indices:
    """Return how many of each user's events are chosen, shape (users,)."""
    users = np.repeat(np.arange(len(sequences)), sequences.lengths())
    return np.bincount(users[chosen], minlength=len(sequences))


def _next_events(sequences: Sequences, begins: Indices, ends: Indices, *, keep_seen: bool) -> Held:
    """Hold each user's first event of a period; `begins` and `ends` count events before it and up to its end.

    Raises:
        InputError: there is none with an event before it.
    """
    users = np.flatnonzero((begins > 0) & (ends > begins))
    if not users.size:
        raise InputError(
            f"no user has an event before and one in each period of the time split: {_INSTEAD}",
            where=sequences.name,
        )
    return hold(sequences, users, begins[users], keep_seen=keep_seen)
