"""What every model is asked on a log: whose events to rank, and among which items.

All of it follows from the log, the settings and the order of a catalogue, never from scores: two models that
know the log's items get the same task, each in its own indices.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from genair.config import EvaluateConfig
from genair.data import SPLITS
from genair.data.ids import PADDING, IdMap
from genair.data.sequences import Indices, Sequences, Split
from genair.errors import InputError
from genair.evaluate.groups import Groups, make_groups
from genair.evaluate.negatives import sample_negatives


@dataclass(frozen=True)
class Task:
    """Events to rank.

    Attributes:
        split: what the model may have learned from, and the test events.
        events: training events of each item, shape (items,).
        groups: of the test events' users.
        negatives: item indices (users, n) to rank among; None is the whole catalogue.
    """

    split: Split
    events: Indices
    groups: Groups
    negatives: Indices | None

    def candidates(self) -> Indices:
        """Return among how many items each target is ranked, itself included, shape (users,)."""
        test = self.split.test
        n_items, users = test.histories.n_items, len(test.targets)
        if self.negatives is not None:
            return np.full(users, self.negatives.shape[1] + 1)
        if test.keep_seen:
            return np.full(users, n_items)
        rows = np.repeat(np.arange(users), test.histories.lengths())
        pairs = np.unique(rows * (n_items + 1) + test.histories.items)
        return n_items - np.bincount(pairs // (n_items + 1), minlength=users)


def make_task(sequences: Sequences, item_ids: Sequence[str], split_name: str, config: EvaluateConfig) -> Task:
    """Make the task of a log.

    Args:
        sequences: whole histories.
        item_ids: the catalogue; item_ids[i] is item index i + 1 of the sequences.
        split_name: in `genair.data.SPLITS`.
        config: of repeats, negatives and groups.

    Raises:
        InputError: the log cannot be split so.
        UsageError: there is no such split, or there are too few items for so many negatives.
    """
    split = SPLITS.get(split_name)(sequences, keep_seen=bool(config.keep_seen))
    sequences = sequences.known_only()
    events = np.bincount(split.train.items, minlength=sequences.n_items + 1)[1:]
    named = np.unique(sequences.items)
    rows = rows_of(sequences, split.test.histories.user_ids)
    groups = make_groups(events, named, split.test.targets, split.train.lengths()[rows], config)
    negatives = None
    if config.negatives is not None:
        by_id = np.asarray(sorted(named.tolist(), key=lambda index: item_ids[index - 1]))
        whole = sequences.select(rows, sequences.lengths()[rows])
        negatives = sample_negatives(whole, by_id, config.negatives, config.seed)
    return Task(split, events, groups, negatives)


def rows_of(sequences: Sequences, user_ids: Sequence[str]) -> Indices:
    """Return which users of the whole log these are."""
    places = {user_id: place for place, user_id in enumerate(sequences.user_ids)}
    return np.asarray([places[user_id] for user_id in user_ids])


def reindexed(
    sequences: Sequences, item_ids: Sequence[str], others: Sequence[str], *, name: str
) -> Sequences:
    """Return the same events in the indices of another catalogue.

    Args:
        sequences: events.
        item_ids: the catalogue that their indices follow.
        others: the other.
        name: what errors call the other's file.

    Raises:
        InputError: the other lacks items of the events.
    """
    places = np.concatenate([[PADDING], IdMap(others).indices_of(item_ids)])
    items = places[sequences.items]
    if missing := np.unique(sequences.items[(items == PADDING) & (sequences.items != PADDING)]).tolist():
        first = item_ids[missing[0] - 1]
        raise InputError(
            f"does not know {len(missing)} items of the log, the first is {first!r}:"
            " two models are compared on the same events",
            where=name,
        )
    return replace(sequences, items=items, n_items=len(others))
