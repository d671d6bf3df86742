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


def read_interactions(blocks: Iterable[Block], name: str) -> Interactions:
    """Read lines with `user_id`, `item_id` and, on all or none, `timestamp`.

    While they are read a row takes 16 bytes, as a result 24; both are there for a moment.

    Raises:
        InputError: a line is not a JSON object, an id is missing or a number, a timestamp is no number or
            missing on some lines, or there are no rows.
    """
    users, items = Codes(), Codes()
    user_codes: list[pl.Series] = []
    item_codes: list[pl.Series] = []
    times: list[pl.Series] = []
    timed: bool | None = None
    for block in blocks:
        lines = read_lines(block, name, timed=timed)
        if lines.is_empty():
            continue
        timed = TIME in lines.columns
        user_codes.append(users.of(lines[USER]))
        item_codes.append(items.of(lines[ITEM]))
        if timed:
            times.append(lines[TIME])
    if timed is None:
        raise InputError("no interactions: the input is empty", where=name)
    user_ids, user_rows = users.by_appearance(pl.concat(user_codes))
    item_ids, item_rows = items.by_appearance(pl.concat(item_codes))
    return Interactions(
        user_ids,
        item_ids,
        user_rows,
        item_rows,
        _joined(times) if timed else np.arange(len(user_rows)),
        timed,
    )


def _joined(times: list[pl.Series]) -> Times:
    whole = all(part.dtype == pl.Int64 for part in times)
    return pl.concat([part.cast(pl.Int64 if whole else pl.Float64) for part in times]).to_numpy()
