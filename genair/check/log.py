"""The click log, read once: 25 bytes an event, and one object for each user and item."""

from array import array
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from genair.check.catalogue import Catalogue
from genair.check.findings import Tally
from genair.check.lines import JsonLines
from genair.data.ids import IdMap
from genair.data.interactions import Interactions
from genair.data.sequences import Sequences, build_sequences
from genair.errors import InputError
from genair.io.jsonl import HashingReader, Row
from genair.records import require_id, require_time

Indices = npt.NDArray[np.int64]
_NONE, _NUMBER, _BAD = range(3)
_INT64 = range(-(2**63), 2**63)


class Log:
    """What is known of the events; row i is the i-th line with usable ids.

    Attributes:
        lines: the file.
        catalogue: the items it should be of.
        bad_ids: lines without a usable id.
        bad_times: lines whose timestamp is no number.
        sha256: digest of the file.
    """

    def __init__(
        self,
        reader: HashingReader,
        name: str,
        catalogue: Catalogue,
        limit: int,
        on_lines: Callable[[int], None],
    ) -> None:
        """Read INTERACTIONS.jsonl.

        Args:
            reader: its lines.
            name: what findings call it.
            catalogue: the items.
            limit: how many places of a kind are named.
            on_lines: told how many lines have passed, now and then.
        """
        self.lines = JsonLines(name, limit, on_lines)
        self.catalogue = catalogue
        self.bad_ids, self.bad_times = Tally(limit), Tally(limit)
        self._user_codes: dict[str, int] = {}
        self._item_codes: dict[str, int] = {}
        self._users, self._items, self._kinds = array("q"), array("q"), array("b")
        self._times: array[Any] = array("q")
        for where, row in self.lines.read(reader):
            self._add(row, where)
        self.sha256 = reader.sha256

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self._users)

    def _add(self, row: Row, where: str) -> None:
        kind, time = self._time(row, where)
        try:
            user, item = require_id(row, "user_id", where), require_id(row, "item_id", where)
        except InputError:
            self._blame_ids(row, where)
            return
        self.lines.keep()
        self._users.append(self._user_codes.setdefault(user, len(self._user_codes)))
        self._items.append(self._item_codes.setdefault(item, len(self._item_codes)))
        self._kinds.append(kind)
        if isinstance(time, float) and self._times.typecode == "q":
            self._times = array("d", self._times)
        self._times.append(time)

    def _blame_ids(self, row: Row, where: str) -> None:
        for key in ("user_id", "item_id"):
            try:
                require_id(row, key, where)
            except InputError as error:
                self.bad_ids.add(where, error.message)

    def _time(self, row: Row, where: str) -> tuple[int, int | float]:
        """Return of which kind a line's time is, and the time, 0 where it is none."""
        try:
            time = require_time(row, where)
        except InputError as error:
            self.bad_times.add(where, error.message)
            return _BAD, 0
        if time is None:
            return _NONE, 0
        return _NUMBER, time if isinstance(time, float) or time in _INT64 else float(time)

    @cached_property
    def user_ids(self) -> list[str]:
        """Outside user ids in order of first appearance."""
        return list(self._user_codes)

    @cached_property
    def item_ids(self) -> list[str]:
        """Outside item ids in order of first appearance, known ones and others."""
        return list(self._item_codes)

    @property
    def users(self) -> Indices:
        """Index into user_ids, shape (events,)."""
        return np.frombuffer(self._users, dtype=np.int64)

    @property
    def items(self) -> Indices:
        """Index into item_ids, shape (events,)."""
        return np.frombuffer(self._items, dtype=np.int64)

    @property
    def times(self) -> npt.NDArray[Any]:
        """Timestamps, int64 if all are whole, else float64, shape (events,); 0 where there is none."""
        return np.frombuffer(self._times, dtype=self._times.typecode)

    @property
    def _kind_of(self) -> npt.NDArray[np.int8]:
        return np.frombuffer(self._kinds, dtype=np.int8)

    @property
    def untimed(self) -> npt.NDArray[np.bool_]:
        """Which events have no timestamp, good or bad, shape (events,)."""
        return np.asarray(self._kind_of == _NONE)

    @cached_property
    def timed(self) -> bool:
        """Whether all events have a time."""
        return bool((self._kind_of == _NUMBER).all())

    @cached_property
    def order(self) -> Indices:
        """Events by user, each user's by time, ties and all events of a log without times by line."""
        keys = (self.times, self.users) if self.timed else (self.users,)
        return np.lexsort(keys)

    @cached_property
    def sequences(self) -> Sequences:
        """Every user's history, in item indices by item_ids."""
        times = self.times if self.timed else np.arange(len(self))
        log = Interactions(self.user_ids, self.item_ids, self.users, self.items, times, self.timed)
        return build_sequences(log, IdMap(self.item_ids), name=self.lines.name)


def first_events(codes: Indices) -> Indices:
    """Return the first row of each code of a column whose codes are numbered by appearance."""
    return np.flatnonzero(np.diff(np.maximum.accumulate(codes), prepend=-1))
