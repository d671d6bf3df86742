"""The click log, read into columns: no Python object is kept per row, only one per user and per item."""

import math
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from genair.errors import InputError
from genair.records import require_id

_NO_TIME = "no timestamp here, but on earlier lines: all lines have one or none has"
_LATE_TIME = "a timestamp here, but none on earlier lines: all lines have one or none has"


@dataclass(frozen=True)
class Interactions:
    """A log in input order.

    Attributes:
        user_ids: outside user ids in order of first appearance.
        item_ids: outside item ids in order of first appearance.
        users: int64, shape (rows,): index into user_ids.
        items: int64, shape (rows,): index into item_ids.
        times: float64, shape (rows,), in the log's own unit; the row number where the log has no times.
        timed: whether the log has times.
    """

    user_ids: list[str]
    item_ids: list[str]
    users: npt.NDArray[np.int64]
    items: npt.NDArray[np.int64]
    times: npt.NDArray[np.float64]
    timed: bool = True

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.users)


class _Codes:
    """Strings to integers in order of first appearance."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}

    def code(self, value: str) -> int:
        return self._codes.setdefault(value, len(self._codes))

    def values(self) -> list[str]:
        return list(self._codes)


def read_interactions(rows: Iterable[tuple[str, Mapping[str, Any]]], name: str) -> Interactions:
    """Collect `(where, row)` pairs with `user_id`, `item_id` and, on all rows or none, `timestamp`.

    Raises:
        InputError: an id is missing or a number, a timestamp is missing or not finite, or there are no rows.
    """
    user_codes, item_codes = _Codes(), _Codes()
    users, items, times = array("q"), array("q"), array("d")
    timed: bool | None = None
    for where, row in rows:
        users.append(user_codes.code(require_id(row, "user_id", where)))
        items.append(item_codes.code(require_id(row, "item_id", where)))
        time = row.get("timestamp")
        timed = _same_kind(timed, time, where)
        times.append(_finite(time, where) if timed else float(len(times)))
    if not users:
        raise InputError("no interactions: the input is empty", where=name)
    return Interactions(
        user_codes.values(),
        item_codes.values(),
        np.frombuffer(users, dtype=np.int64),
        np.frombuffer(items, dtype=np.int64),
        np.frombuffer(times, dtype=np.float64),
        timed=bool(timed),
    )


def _same_kind(timed: bool | None, time: object, where: str) -> bool:
    here = time is not None
    if timed is not None and timed != here:
        raise InputError(_LATE_TIME if here else _NO_TIME, where=where)
    return here


def _finite(time: object, where: str) -> float:
    try:
        if isinstance(time, (int, float)) and not isinstance(time, bool) and math.isfinite(time):
            return float(time)
    except OverflowError:  # an integer beyond any float
        pass
    raise InputError(f"timestamp must be a number, not {time!r}", where=where)
