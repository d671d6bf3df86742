"""The click log, read into columns: no Python object per row, only one per user and per item."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from genair.data.codes import Codes
from genair.data.loglines import ITEM, TIME, USER, read_lines
from genair.errors import InputError
from genair.io.blocks import Block

Times = npt.NDArray[np.int64] | npt.NDArray[np.float64]


@dataclass(frozen=True)
class Interactions:
    """A log in input order.

    Attributes:
        user_ids: outside user ids in order of first appearance.
        item_ids: outside item ids in order of first appearance.
        users: int64, shape (rows,): index into user_ids.
        items: int64, shape (rows,): index into item_ids.
        times: shape (rows,), in the log's own unit: int64 if all are whole numbers of 64 bits, else float64;
            the row number where the log has no times.
        timed: whether the log has times.
    """

    user_ids: list[str]
    item_ids: list[str]
    users: npt.NDArray[np.int64]
    items: npt.NDArray[np.int64]
    times: Times
    timed: bool = True

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.users)


class InteractionsBuilder:
    """Collects a log; while it grows a row takes 16 bytes, as a result 24, and both are there for a moment.

    Attributes:
        timed: whether the log has times; None before the first row.
    """

    def __init__(self) -> None:
        """Start without rows."""
        self.timed: bool | None = None
        self._users, self._items = Codes(), Codes()
        self._user_codes = [pl.Series(dtype=pl.UInt32())]
        self._item_codes = [pl.Series(dtype=pl.UInt32())]
        self._times = [pl.Series(dtype=pl.Int64())]

    def add(self, events: pl.DataFrame) -> None:
        """Take some events as `read_lines` returns them, all of a log with times or all without."""
        if events.is_empty():
            return
        self.timed = TIME in events.columns
        self._user_codes.append(self._users.of(events[USER]))
        self._item_codes.append(self._items.of(events[ITEM]))
        if self.timed:
            self._times.append(events[TIME])

    def build(self) -> Interactions:
        """Return the log."""
        user_ids, users = self._users.by_appearance(pl.concat(self._user_codes))
        item_ids, items = self._items.by_appearance(pl.concat(self._item_codes))
        times = _joined(self._times) if self.timed else np.arange(len(users))
        return Interactions(user_ids, item_ids, users, items, times, bool(self.timed))


def read_interactions(blocks: Iterable[Block], name: str) -> Interactions:
    """Read lines with `user_id`, `item_id` and, on all or none, `timestamp`.

    Raises:
        InputError: a line is not a JSON object, an id is missing or a number, a timestamp is no number or
            missing on some lines, or there are no rows.
    """
    builder = InteractionsBuilder()
    for block in blocks:
        builder.add(read_lines(block, name, timed=builder.timed))
    if builder.timed is None:
        raise InputError("no interactions: the input is empty", where=name)
    return builder.build()


def _joined(times: list[pl.Series]) -> Times:
    whole = all(part.dtype == pl.Int64 for part in times)
    return pl.concat([part.cast(pl.Int64 if whole else pl.Float64) for part in times]).to_numpy()
