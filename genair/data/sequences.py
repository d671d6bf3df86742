"""Each user's history in time order, and the leave-two-out split.

Last event = test, last but one = validation, the rest = training. Users with fewer than three events are
training data only. An item that its user had before is no recommendation, so events of such items are not
held unless asked for. Which events are held is a matter of the whole log, whatever part of its items is
known: what is held from one model is held from all. Equal timestamps keep the order of the input; their
share is counted, since many ties make next-item metrics unreliable.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from genair.data.ids import PADDING, IdMap
from genair.data.interactions import Interactions, Times
from genair.data.ordering import order_by
from genair.errors import InputError

Indices = npt.NDArray[np.int64]
MIN_EVENTS = 3


@dataclass(frozen=True)
class Sequences:
    """Histories of all users, laid end to end.

    Attributes:
        user_ids: outside user ids; user u's events are items[offsets[u]:offsets[u + 1]].
        offsets: int64, shape (users + 1,).
        items: int64 item indices (1 to n), shape (events,), in time order within a user; 0 is an item that is
            not in the catalogue, of which whole histories keep the place.
        n_items: number of items in the catalogue.
        ties: share of a user's neighbouring events whose timestamps are equal, 0 to 1.
        unknown: events whose item is not in the catalogue.
        times: int64 or float64, shape (events,), of the log; None where it has none.
        name: what errors call the log, if it has a name.
    """

    user_ids: Sequence[str]
    offsets: Indices
    items: Indices
    n_items: int
    ties: float = 0.0
    unknown: int = 0
    times: Times | None = None
    name: str | None = None

    def __len__(self) -> int:
        """Return the number of users."""
        return len(self.user_ids)

    def lengths(self) -> Indices:
        """Return the number of events of each user, shape (users,)."""
        return np.diff(self.offsets)

    def of(self, user: int) -> Indices:
        """Return one user's item indices in time order."""
        return self.items[self.offsets[user] : self.offsets[user + 1]]

    def select(self, users: Indices, ends: Indices) -> "Sequences":
        """Return the first ends[i] events of users[i]."""
        starts = self.offsets[users]
        offsets = np.concatenate([[0], np.cumsum(ends)]).astype(np.int64)
        taken = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], ends)
        user_ids = [self.user_ids[user] for user in users.tolist()]
        times = None if self.times is None else self.times[taken]
        return Sequences(user_ids, offsets, self.items[taken], self.n_items, times=times, name=self.name)

    def known_only(self) -> "Sequences":
        """Return the events whose items are in the catalogue."""
        known = self.items != PADDING
        if known.all():
            return self
        before = np.concatenate([[0], np.cumsum(known)])
        times = None if self.times is None else self.times[known]
        return replace(self, offsets=before[self.offsets], items=self.items[known], times=times)


@dataclass(frozen=True)
class Held:
    """Events to predict: for each user the history before it and the item that came.

    Attributes:
        histories: what the model may see; the validation item is part of it at test time.
        targets: int64 item indices, shape (users,).
        keep_seen: whether items of the history are candidates, too, and so may be what came.
        repeats: events that are not held, since what came is in the history.
    """

    histories: Sequences
    targets: Indices
    keep_seen: bool = False
    repeats: int = 0

    def select(self, users: Indices) -> "Held":
        """Return the events of some of the users."""
        histories = self.histories.select(users, self.histories.lengths()[users])
        return replace(self, histories=histories, targets=self.targets[users])

    def are_repeats(self) -> npt.NDArray[np.bool_]:
        """Return whether what came is in the history, shape (users,)."""
        users = np.repeat(np.arange(len(self.targets)), self.histories.lengths())
        again = users[self.histories.items == self.targets[users]]
        return np.bincount(again, minlength=len(self.targets)) > 0


@dataclass(frozen=True)
class Split:
    """Training sequences of all users, in their order, and the held events of some of them.

    Attributes:
        train: what is learned from.
        valid: what early stopping looks at.
        test: what is measured at last.
        known: all that came before test: training and validation events of all users, in their order.
    """

    train: Sequences
    valid: Held
    test: Held
    known: Sequences


def build_sequences(log: Interactions, ids: IdMap, *, name: str, skip_unknown: bool = False) -> Sequences:
    """Group a log by user, order it by time (ties by input order) and map its items to indices.

    Raises:
        InputError: the log names items that `ids` lacks, unless `skip_unknown` lets their index be 0; or none
            that it has.
    """
    codes = ids.indices_of(log.item_ids)
    missing = [log.item_ids[code] for code in np.flatnonzero(codes == PADDING)]
    if missing and not skip_unknown:
        raise InputError(f"{ids.lacks(missing)}; --on-error skip drops their events", where=name)
    order = order_by(log.users, log.times)
    items = codes[log.items[order]]
    if not items.any():
        raise InputError(f"none of its items is in {ids.name}", where=name)
    users, times = log.users[order], log.times[order]
    counts = np.bincount(users, minlength=len(log.user_ids))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    same_user = users[1:] == users[:-1]
    tied = same_user & (times[1:] == times[:-1])
    ties = float(tied.sum() / max(1, same_user.sum()))
    unknown = int(np.sum(items == PADDING))
    clock = times if log.timed else None
    return Sequences(log.user_ids, offsets, items, len(ids), ties, unknown, clock, name)


def leave_two_out(sequences: Sequences, *, keep_seen: bool = False) -> Split:
    """Split every history into training, validation and test.

    Args:
        sequences: whole histories; the parts have their known items.
        keep_seen: hold events of items that the user had before, too.

    Raises:
        InputError: no user has three events, or see `hold`, so there is nothing to validate or test on.
    """
    return Split(
        train=training_part(sequences),
        valid=validation_events(sequences, keep_seen=keep_seen),
        test=_hold_from_end(sequences, 1, keep_seen=keep_seen),
        known=_without_last(sequences, 1),
    )


def training_part(sequences: Sequences) -> Sequences:
    """Return every history without its validation and test events; short histories stay whole."""
    return _without_last(sequences, 2)


def validation_events(sequences: Sequences, *, keep_seen: bool = False) -> Held:
    """Return every history's last event but one, to be predicted; see `leave_two_out`."""
    return _hold_from_end(sequences, 2, keep_seen=keep_seen)


def _hold_from_end(sequences: Sequences, count: int, *, keep_seen: bool) -> Held:
    """Return the event `count` from each history's end, to be predicted; short ones have none."""
    lengths = sequences.lengths()
    users = np.flatnonzero(lengths >= MIN_EVENTS)
    if not users.size:
        raise InputError(
            f"no user has {MIN_EVENTS} events: nothing is left to validate or test on", where=sequences.name
        )
    return hold(sequences, users, lengths[users] - count, keep_seen=keep_seen)


def _without_last(sequences: Sequences, count: int) -> Sequences:
    """Return every history without its last events, known items only; short histories stay whole."""
    lengths = sequences.lengths()
    ends = np.where(lengths >= MIN_EVENTS, lengths - count, lengths)
    return sequences.select(np.arange(len(sequences)), ends).known_only()


def hold(sequences: Sequences, users: Indices, ends: Indices, *, keep_seen: bool) -> Held:
    """Return what event number ends[i] (0 the first) of users[i] is to be predicted from, and its item.

    Events of items that are not in the catalogue are not held, nor those with none before them that is.

    Raises:
        InputError: none is left, or repeats are not kept and all are repeats.
    """
    targets = sequences.items[sequences.offsets[users] + ends]
    held = Held(sequences.select(users, ends).known_only(), targets, keep_seen)
    known = np.flatnonzero((targets != PADDING) & (held.histories.lengths() > 0))
    if not known.size:
        raise InputError("no event to predict is of a known item with one before it", where=sequences.name)
    held = held.select(known)
    if keep_seen:
        return held
    new = np.flatnonzero(~held.are_repeats())
    if not new.size:
        raise InputError(
            "every event to predict is of an item that its user had before: only --keep-seen predicts these",
            where=sequences.name,
        )
    return replace(held.select(new), repeats=len(known) - len(new))
