"""Which users and items have how many events, and whether a recommender can be made of them."""

import numpy as np

from genair.check.findings import NOWHERE, Places, one_place
from genair.check.log import Log, first_events
from genair.data.sequences import MIN_EVENTS, leave_two_out, training_part
from genair.errors import InputError

_LARGE_SHARE = 0.1
_TIMES_MEAN = 10
_NEGATIVES = 100


def not_split(log: Log) -> Places:
    """Find that no event can be held for validation and test."""
    try:
        leave_two_out(log.sequences)
    except InputError as error:
        return one_place(log.lines.name, error.message)
    return NOWHERE


def not_trained(log: Log) -> Places:
    """Find that the training events hold no event with one before it."""
    longest = training_part(log.sequences).lengths().max()
    if longest >= 2:
        return NOWHERE
    return one_place(log.lines.name, "no user has two training events: nothing to learn from")


def not_calibrated(log: Log) -> Places:
    """Find that the training events hold no two items of one user."""
    learned = training_part(log.sequences)
    users = np.repeat(np.arange(len(learned)), learned.lengths())
    if ((learned.items[1:] != learned.items[:-1]) & (users[1:] == users[:-1])).any():
        return NOWHERE
    words = "no two items share a user in the training events: nothing to calibrate by"
    return one_place(log.lines.name, words)


def short_users(log: Log) -> Places:
    """Find users whose events are trained on only."""
    lengths = log.sequences.lengths()
    rows = first_events(log.users)[lengths < MIN_EVENTS]
    return log.lines.at(
        rows,
        lambda row: (
            f"user {log.user_ids[log.users[row]]!r} has fewer than {MIN_EVENTS} events and is only trained on"
        ),
    )


def dominant_users(log: Log) -> Places:
    """Find users who have a large share of all events, and many times the mean."""
    lengths = log.sequences.lengths()
    share = lengths / lengths.sum()
    rows = first_events(log.users)[share > max(_LARGE_SHARE, _TIMES_MEAN / len(lengths))]
    return log.lines.at(
        rows,
        lambda row: (
            f"user {log.user_ids[log.users[row]]!r} has {share[log.users[row]]:.0%} of all events: a person?"
        ),
    )


def cold_items(log: Log) -> Places:
    """Find items without an event."""
    known, had = log.catalogue, set(log.item_ids)
    cold = np.fromiter((one not in had for one in known.item_ids), dtype=np.bool_, count=len(known))
    return known.lines.at(cold, lambda row: f"item {known.item_ids[row]!r} has no event")


def few_negatives(log: Log) -> Places:
    """Find that papers' sampled negatives cannot be drawn for every user."""
    pairs = np.unique(log.users * len(log.item_ids) + log.items) // len(log.item_ids)
    had = np.bincount(pairs)
    left = len(log.item_ids) - int(had.max())
    if left >= _NEGATIVES:
        return NOWHERE
    user = log.user_ids[int(had.argmax())]
    words = (
        f"--negatives {_NEGATIVES} is too many: only {left} of the log's {len(log.item_ids)} items are not in"
        f" the history of user {user!r}"
    )
    return one_place(log.lines.name, words)
