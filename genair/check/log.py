"""The click log, read once: 25 bytes an event, and one object for each user and item."""

from array import array
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from genair.check.catalogue import Catalogue
from genair.check.findings import Tally
from genair.check.lines import JsonLines
from genair.data.ids import IdMap
from genair.data.interactions import InteractionsBuilder, Times
from genair.data.loglines import ITEM, TIME, USER, columns_of, plain_lines
from genair.data.ordering import order_by
from genair.data.sequences import Sequences, build_sequences
from genair.errors import InputError
from genair.io.blocks import Block
from genair.io.jsonl import HashingReader, Row
from genair.records import require_id, require_time

Indices = npt.NDArray[np.int64]
_NONE, _NUMBER, _BAD = range(3)


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
        self._kinds = array("b")
        events = InteractionsBuilder()
        for block in self.lines.blocks(reader):
            events.add(self._read(block))
        self._events = events.build()
        self.sha256 = reader.sha256

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self._events)

    def _read(self, block: Block) -> pl.DataFrame:
        """Return a block's events with usable ids; a time that is none is 0."""
        plain = None if b"\r" in block.data else plain_lines(block.data)
        if plain is None:
            rows = list(self._one_by_one(block))
            return columns_of(*(zip(*rows, strict=True) if rows else ((), (), ())))
        self.lines.pass_over(block, len(plain))
        timed = TIME in plain.columns
        self._kinds.frombytes(bytes([_NUMBER if timed else _NONE]) * len(plain))
        return plain if timed else plain.with_columns(pl.lit(0, dtype=pl.Int64).alias(TIME))

    def _one_by_one(self, block: Block) -> Iterator[tuple[str, str, float]]:
        for where, row in self.lines.read(block):
            kind, time = self._time(row, where)
            try:
                ids = require_id(row, USER, where), require_id(row, ITEM, where)
            except InputError:
                self._blame_ids(row, where)
                continue
            self.lines.keep()
            self._kinds.append(kind)
            yield (*ids, time)

    def _blame_ids(self, row: Row, where: str) -> None:
        for key in (USER, ITEM):
            try:
                require_id(row, key, where)
            except InputError as error:
                self.bad_ids.add(where, error.message)

    def _time(self, row: Row, where: str) -> tuple[int, float]:
        """Return of which kind a line's time is, and the time, 0 where it is none."""
        try:
            time = require_time(row, where)
        except InputError as error:
            self.bad_times.add(where, error.message)
            return _BAD, 0
        if time is None:
            return _NONE, 0
        return _NUMBER, time

    @property
    def user_ids(self) -> list[str]:
        """Outside user ids in order of first appearance."""
        return self._events.user_ids

    @property
    def item_ids(self) -> list[str]:
        """Outside item ids in order of first appearance, known ones and others."""
        return self._events.item_ids

    @property
    def users(self) -> Indices:
        """Index into user_ids, shape (events,)."""
        return self._events.users

    @property
    def items(self) -> Indices:
        """Index into item_ids, shape (events,)."""
        return self._events.items

    @property
    def times(self) -> Times:
        """Timestamps, int64 if all are whole, else float64, shape (events,); 0 where there is none."""
        return self._events.times

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
        return order_by(self.users, self.times) if self.timed else order_by(self.users)

    @cached_property
    def sequences(self) -> Sequences:
        """Every user's history, in item indices by item_ids."""
        untimed = replace(self._events, times=np.arange(len(self)), timed=False)
        log = self._events if self.timed else untimed
        return build_sequences(log, IdMap(self.item_ids), name=self.lines.name)


def first_events(codes: Indices) -> Indices:
    """Return the first row of each code of a column whose codes are numbered by appearance."""
    return np.flatnonzero(np.diff(np.maximum.accumulate(codes), prepend=-1))
