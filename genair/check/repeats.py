"""Events that come again: the same one, or a user's other events with one item."""

from typing import Any

import numpy as np
import numpy.typing as npt

from genair.check.findings import NOWHERE, Places
from genair.check.log import Log


def same_events(log: Log) -> Places:
    """Find events equal in user, item and time to an earlier one; without times nothing is the same."""
    if not log.timed:
        return NOWHERE
    again = _Again(log.times, log.items, log.users)
    return log.lines.at(
        again.rows,
        lambda row: f"the same event as on line {log.lines.line_of(again.before(row))}: user, item and time",
    )


def repeated_pairs(log: Log) -> Places:
    """Find events of an item that its user had before."""
    again = _Again(log.items, log.users)
    return log.lines.at(
        again.rows,
        lambda row: (
            f"user {log.user_ids[log.users[row]]!r} had item {log.item_ids[log.items[row]]!r} before,"
            f" on line {log.lines.line_of(again.before(row))}"
        ),
    )


def runs(log: Log) -> Places:
    """Find events of the item that the user's event before was of, by time."""
    order = log.order
    users, items = log.users[order], log.items[order]
    same = (users[1:] == users[:-1]) & (items[1:] == items[:-1])
    return log.lines.at(
        np.sort(order[1:][same]),
        lambda row: (
            f"user {log.user_ids[log.users[row]]!r} has item {log.item_ids[log.items[row]]!r} twice in a row:"
            " models learn to recommend what was had just now"
        ),
    )


class _Again:
    """Rows that are equal to an earlier one in all of some columns.

    Attributes:
        rows: int64, rising.
    """

    def __init__(self, *columns: npt.NDArray[Any]) -> None:
        order = np.lexsort(columns)
        same = np.logical_and.reduce([column[order][1:] == column[order][:-1] for column in columns])
        rows, before = order[1:][same], order[:-1][same]
        by_line = np.argsort(rows)
        self.rows, self._before = rows[by_line], before[by_line]

    def before(self, row: int) -> int:
        """Return the last row before that one of `rows` equals."""
        return int(self._before[np.searchsorted(self.rows, row)])
