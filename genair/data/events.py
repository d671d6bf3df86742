"""A click log as columns of numbers: ids are turned into integers as they are read, batch by batch.

A row costs 24 bytes (two uint32, a time, a rating), an id is kept once. The integers are those of the ids in
the order of their bytes, so that sorting by them sorts by id.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from genair.data.clock import Clock
from genair.data.codes import Codes

_PART = 1_000_000


@dataclass(frozen=True)
class Events:
    """A log.

    Attributes:
        frame: a row an event: `user` and `item` (uint32, index into the ids), and where the log has them
            `time` (int64 or float64, ticks of the clock) and `rating` (float64).
        users: all user ids, sorted by their bytes.
        items: all item ids, sorted by their bytes.
        clock: what the times are; None where there are none.
    """

    frame: pl.DataFrame
    users: pl.Series
    items: pl.Series
    clock: Clock | None


class EventsBuilder:
    """Collects a log."""

    def __init__(self) -> None:
        """Start without events."""
        self._frames: list[pl.DataFrame] = []
        self._users, self._items = Codes(), Codes()

    def add(self, rows: pl.DataFrame) -> None:
        """Take some events: `user` and `item` as strings, maybe `time` and `rating`."""
        coded = [self._users.of(rows["user"]), self._items.of(rows["item"])]
        self._frames.append(rows.with_columns(coded))

    def build(self, clock_of: Callable[[pl.Series], Clock]) -> Events:
        """Return the log; `clock_of` is asked what its times are. At least one event was added."""
        frame = pl.concat(self._frames, how="vertical_relaxed", rechunk=False)
        self._frames.clear()
        users, user_ranks = self._users.ranked()
        items, item_ranks = self._items.ranked()
        frame = frame.with_columns(
            user=user_ranks.gather(frame["user"]), item=item_ranks.gather(frame["item"])
        )
        clock = clock_of(frame["time"]) if "time" in frame.columns else None
        return Events(frame, users, items, clock)


def in_order(frame: pl.DataFrame, rows: int = _PART) -> pl.DataFrame:
    """Return events by user, each user's by time; what came first in the input is first among equals.

    Sorted in parts of about `rows` rows, so that besides the result little memory is needed.
    """
    ends = np.cumsum(np.bincount(frame["user"].to_numpy()))
    borders = np.unique(np.searchsorted(ends, np.arange(0, len(frame) + rows, rows), side="left"))
    parts = []
    for low, high in pairwise([0, *(borders + 1).tolist()]):
        part = frame.filter(pl.col("user").is_between(low, high, closed="left"))
        by_time = part.sort("time", maintain_order=True) if "time" in part.columns else part
        parts.append(by_time.sort("user", maintain_order=True))
    return pl.concat(parts)


def by_users(frame: pl.DataFrame, rows: int = _PART) -> Iterator[pl.DataFrame]:
    """Cut ordered events between users into parts of about `rows` rows; a user with more is not cut."""
    start = 0
    while start < len(frame):
        last = frame["user"][min(start + rows, len(frame)) - 1]
        end = int(frame["user"].search_sorted(last, side="right"))
        yield frame.slice(start, end - start)
        start = end
