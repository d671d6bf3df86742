"""Delimited text, CSV in the way of RFC 4180: fast where it is plain, exact where not, the same both ways.

A block without quotes, null characters and lone carriage returns, whose lines all have as many separators as
the header, is split by polars. Any other is read record by record, quotes across lines included. A record
with more or fewer fields than the header, a quote that never closes and bytes that are not UTF-8 are failures
of that line, never of what follows.
"""

import codecs
import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import chain
from typing import Any

import numpy as np
import polars as pl

from genair.errors import InputError
from genair.io.blocks import Block
from genair.records import Failed

_SEPARATORS = ",;\t|"
_LONGEST_FIELD = 1 << 23
_LONGEST_RECORD = 1 << 26
_TORN = "; the last line seems cut off: remove or complete it"


@dataclass(frozen=True)
class Dialect:
    """How a text is divided.

    Attributes:
        separator: between fields, one character; empty is told by the header.
        header: names of the columns; empty is the first line.
        literal: whether quotes are characters like any other.
    """

    separator: str = ""
    header: tuple[str, ...] = ()
    literal: bool = False


class _Literal(csv.excel):
    quoting = csv.QUOTE_NONE


@dataclass(frozen=True)
class Chunk:
    """Some records.

    Attributes:
        columns: by name, the fields as text; null is an empty one.
        lines: int64, the line where each record begins.
        failures: what could not be read, by line.
        block: where all of them come from.
    """

    columns: Mapping[str, pl.Series]
    lines: pl.Series
    failures: Sequence[tuple[int, Failed]]
    block: Block


def read_chunks(blocks: Iterable[Block], name: str, dialect: Dialect) -> Iterator[Chunk]:
    """Divide a text into fields.

    Args:
        blocks: the text.
        name: what errors call it.
        dialect: how it is divided, as far as that is known.

    Raises:
        InputError: the header cannot be read, or names a column twice.
    """
    whole = _whole_records(blocks, dialect)
    begun = next((block for block in whole if not block.is_blank()), None)
    if begun is None:
        return
    if not dialect.separator:
        dialect = replace(dialect, separator=_guess_separator(begun))
    if not dialect.header:
        dialect, begun = _read_header(begun, name, dialect)
    if len(set(dialect.header)) < len(dialect.header):
        raise InputError(f"a column's name comes twice in {', '.join(dialect.header)}", where=name)
    for block in chain([begun], whole):
        if not block.is_blank():
            yield _fast(block, dialect) or _exact(block, name, dialect)


def _whole_records(blocks: Iterable[Block], dialect: Dialect) -> Iterator[Block]:
    """Join blocks until quotes are even, so that a record with line feeds in quotes stays in one piece."""
    begun: list[Block] = []
    quotes = size = 0
    for block in blocks:
        begun.append(block)
        quotes += 0 if dialect.literal else block.data.count(b'"')
        size += len(block.data)
        if quotes % 2 == 0 or size > _LONGEST_RECORD:
            yield _joined(begun)
            begun, quotes, size = [], 0, 0
    if begun:
        yield _joined(begun)


def _joined(blocks: Sequence[Block]) -> Block:
    return blocks[0] if len(blocks) == 1 else Block(b"".join(block.data for block in blocks), blocks[0].first)


def _guess_separator(block: Block) -> str:
    """Return what divides the first line that is not blank; without any, it is one column."""
    line = next((line for line in block.lines if not line.isspace()), b"")
    return max(_SEPARATORS, key=lambda separator: line.count(separator.encode()))


def _read_header(block: Block, name: str, dialect: Dialect) -> tuple[Dialect, Block]:
    """Return the dialect with the names of the first record, and the block without it."""
    blank = next((at for at, line in enumerate(block.lines) if not line.isspace()), len(block.lines))
    lines = block.lines[blank:]
    try:
        reader = _reader((line.decode("utf-8") for line in lines), dialect)
        header = tuple(next(reader, ()))
    except (UnicodeDecodeError, csv.Error) as error:
        where = f"{name}:{block.first + blank}"
        raise InputError(f"the header cannot be read ({error})", where=where) from error
    taken = blank + reader.line_num
    return replace(dialect, header=header), Block(b"".join(block.lines[taken:]), block.first + taken)


def _fast(block: Block, dialect: Dialect) -> Chunk | None:
    """Split a plain block, or return None for one that is not."""
    data, separator, names = block.data, dialect.separator.encode(), dialect.header
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
    quoted = b'"' in data and not dialect.literal
    rows = data.count(b"\n") + (not data.endswith(b"\n"))
    if quoted or b"\r" in data or b"\0" in data or len(names) < 2:
        return None
    if data.startswith(codecs.BOM_UTF8):  # of a file behind another; polars would take it away
        return None
    if len(separator) > 1 or not _all_have(len(names), data, separator):
        return None
    try:
        frame = pl.read_csv(
            BytesIO(data),
            has_header=False,
            separator=dialect.separator,
            quote_char=None,
            schema=dict.fromkeys(names, pl.String()),
        )
    except pl.exceptions.PolarsError:
        return None
    if len(frame) != rows:
        return None
    lines = pl.int_range(block.first, block.first + rows, eager=True, dtype=pl.Int64)
    return Chunk({column.name: column for column in frame}, lines, (), block)


def _all_have(columns: int, data: bytes, separator: bytes) -> bool:
    """Return whether every line has so many fields."""
    characters = np.frombuffer(data if data.endswith(b"\n") else data + b"\n", dtype=np.uint8)
    ends = characters == ord("\n")
    marks = ends[ends | (characters == ord(separator))]  # true for a line's end, false for a separator
    line = np.arange(1, columns + 1) == columns
    return len(marks) % columns == 0 and bool((marks.reshape(-1, columns) == line).all())


def _exact(block: Block, name: str, dialect: Dialect) -> Chunk:
    lines: list[int] = []
    rows: list[Sequence[str | None]] = []
    failures: list[tuple[int, Failed]] = []
    for at, record in _records(block, dialect):
        reason = record if isinstance(record, str) else _reason(record, len(dialect.header))
        number = block.first + at
        if reason is not None:
            torn = "" if at + 1 < len(block.lines) or block.data.endswith(b"\n") else _TORN
            failures.append(
                (number, Failed(InputError(reason + torn, where=f"{name}:{number}"), block.line(number)))
            )
        elif not _is_blank(record):
            lines.append(number)
            rows.append([value or None for value in record])
    columns = zip(*rows, strict=True) if rows else ((),) * len(dialect.header)
    named = zip(dialect.header, columns, strict=True)
    return Chunk(
        {column: pl.Series(column, values, dtype=pl.String) for column, values in named},
        pl.Series(lines, dtype=pl.Int64),
        failures,
        block,
    )


def _records(block: Block, dialect: Dialect) -> Iterator[tuple[int, Sequence[str] | str]]:
    """Yield (index of its first line, fields) of each record, or what is wrong with it.

    Behind a record that cannot be read, reading goes on with the line after its first.
    """
    lines = [line.decode("utf-8", "surrogateescape") for line in block.lines]
    start = 0
    while start < len(lines):
        reader = _reader((lines[at] for at in range(start, len(lines))), dialect)
        begun = 0
        try:
            for fields in reader:
                yield start + begun, fields
                begun = reader.line_num
            return
        except csv.Error as error:
            yield start + begun, f"broken quotes ({error})"
            start += begun + 1


def _reader(lines: Iterable[str], dialect: Dialect) -> Any:  # noqa: ANN401 - csv does not name its type
    csv.field_size_limit(_LONGEST_FIELD)
    rules = _Literal if dialect.literal else csv.excel
    return csv.reader(lines, rules, delimiter=dialect.separator, strict=True)


def _is_blank(fields: Sequence[str]) -> bool:
    return len(fields) < 2 and not any(map(str.strip, fields))


def _reason(fields: Sequence[str], wanted: int) -> str | None:
    """Return what is wrong with a record's fields."""
    if _is_blank(fields):
        return None
    if len(fields) != wanted:
        return f"{len(fields)} fields, but there are {wanted} columns"
    try:
        "".join(fields).encode()
    except UnicodeEncodeError:
        return "not UTF-8: --encoding says what else it is"
    return None
