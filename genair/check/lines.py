"""A file of JSON lines, read once: its records, what is wrong with the others, and on which line each was."""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from genair.check.findings import NOWHERE, Place, Places, Tally, one_place
from genair.errors import InputError
from genair.io.blocks import Block
from genair.io.jsonl import HashingReader, Row, blocks_of, parse_line

_TOLD = 1000


class JsonLines:
    """What is found of a file while its records pass.

    Attributes:
        name: what findings call it.
        limit: how many places of a kind are named.
        records: how many records there were, those kept or not.
        broken: lines that are no records.
        blank: lines without anything.
        carriage: lines that end in a carriage return, too.
        marked: whether the file begins with a byte order mark.
        damage: why nothing more could be read; empty if all was.
    """

    def __init__(self, name: str, limit: int, on_lines: Callable[[int], None]) -> None:
        """Start before the first line; `on_lines` is told of every thousand that pass, or of whole blocks."""
        self.name, self.limit = name, limit
        self._on_lines = on_lines
        self.records = 0
        self.broken, self.blank, self.carriage = Tally(limit), Tally(limit), Tally(limit)
        self.marked = False
        self.damage = ""
        self._line = self._kept = self._next = 0
        self._jumps, self._jumped_to = array("Q"), array("Q")

    def blocks(self, reader: HashingReader) -> Iterator[Block]:
        """Yield the lines in blocks, for `read` or `pass_over`."""
        try:
            for block in blocks_of(reader, self.name):
                self.marked |= block.marked
                yield block
        except InputError as error:
            self.damage = error.message

    def read(self, block: Block) -> Iterator[tuple[str, Row]]:
        """Yield (where, record) of every line of a block that is one."""
        for self._line, line in enumerate(block.lines, block.first):
            where = f"{self.name}:{self._line}"
            self._watch(line, where)
            if line.strip():
                try:
                    row = parse_line(line, where)
                except InputError as error:
                    self.broken.add(where, error.message)
                else:
                    self.records += 1
                    yield where, row

    def keep(self, rows: int = 1) -> None:
        """Take note that the record yielded last is the next row of whoever reads, or the first of some."""
        if self._line != self._next:
            self._jumps.append(self._kept)
            self._jumped_to.append(self._line)
        self._kept += rows
        self._next = self._line + rows

    def pass_over(self, block: Block, rows: int) -> None:
        """Take note that a block's lines are so many records, and all the next rows of whoever reads."""
        self._line = block.first
        self.keep(rows)
        self.records += rows
        self._on_lines(rows)

    def line_of(self, row: int) -> int:
        """Return the line of a row, 0 the first that was kept."""
        jump = bisect_right(self._jumps, row) - 1
        return self._jumped_to[jump] + row - self._jumps[jump]

    def at(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_], tell: Callable[[int], str]) -> Places:
        """Return rows as places.

        Args:
            rows: their numbers, or a mask of all.
            tell: returns what is to be said of one.
        """
        chosen = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        first = chosen[: self.limit].tolist()
        return Places(len(chosen), [Place(f"{self.name}:{self.line_of(row)}", tell(row)) for row in first])

    def _watch(self, line: bytes, where: str) -> None:
        if self._line % _TOLD == 0:
            self._on_lines(_TOLD)
        if line.endswith(b"\r\n"):
            self.carriage.add(where, "ends in a carriage return, which is passed over")
        if not line.strip():
            self.blank.add(where, "is blank and passed over")


def damaged(lines: JsonLines) -> Places:
    """Find that the file cannot be read to its end."""
    if not lines.damage:
        return NOWHERE
    return one_place(
        lines.name, f"{lines.damage}; what follows is of the {lines.records} records before that"
    )


def broken(lines: JsonLines) -> Places:
    """Find lines that are no JSON objects."""
    return lines.broken.places


def empty(lines: JsonLines) -> Places:
    """Find that there is nothing."""
    if lines.records or lines.broken.places.count:
        return NOWHERE
    return one_place(lines.name, "the file is empty: did the command before it fail?")


def byte_order_mark(lines: JsonLines) -> Places:
    """Find a byte order mark."""
    if not lines.marked:
        return NOWHERE
    return one_place(f"{lines.name}:1", "begins with a byte order mark, which is passed over")


def carriage_returns(lines: JsonLines) -> Places:
    """Find lines that end as on Windows."""
    return lines.carriage.places


def blank_lines(lines: JsonLines) -> Places:
    """Find lines without anything."""
    return lines.blank.places
