"""Whether JSON lines hold what every stage asks of them: ids, each item once, and a log's times."""

from collections.abc import Set

from genair.errors import InputError
from genair.io.jsonl import Row
from genair.io.uniqueness import UniqueIds
from genair.records import require_id, require_time

_IDS = ("user_id", "item_id")
_TIME = "timestamp"
_LOG = {"user_id", "item_id"}


class LineCheck:
    """Looks at lines as they pass; the first says which ids all have."""

    def __init__(self) -> None:
        """Start with no line seen."""
        self._first: Set[str] | None = None
        self._unique = UniqueIds()

    def add(self, row: Row, where: str) -> None:
        """Look at one line.

        Args:
            row: the line.
            where: `name:line`.

        Raises:
            InputError: an id is missing, no string or, of an item, was there before; or a time of a log is no
                number, or missing on some lines.
        """
        if self._first is None:
            self._first = row.keys()
        for key in _IDS:
            if key in self._first:
                require_id(row, key, where)
            elif key in row:
                raise InputError(
                    f"{key} here, but not on earlier lines: all lines have one or none has", where=where
                )
        if self._first >= _LOG:
            self._check_time(row, where, timed=_TIME in self._first)
        elif "item_id" in self._first:
            self._unique.add(row["item_id"], where)

    def _check_time(self, row: Row, where: str, *, timed: bool) -> None:
        if (require_time(row, where) is not None) != timed:
            raise InputError("some lines have a timestamp and some have none", where=where)
