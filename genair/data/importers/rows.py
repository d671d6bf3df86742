"""Lines that hold an object each: JSON, or whatever a parser makes of a line."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from genair.data.importers.base import Batch, Fields, Values
from genair.data.importers.exact import exact_id
from genair.errors import InputError
from genair.io.blocks import Block, read_blocks
from genair.io.dumps import Dump
from genair.io.jsonl import parse_line
from genair.records import Failed, Item

Row = dict[str, Any]
Parser = Callable[[bytes, str], Row]
_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True)
class _Parsed:
    """A block's lines: the numbers of those that could be read, and their rows."""

    block: Block
    lines: Sequence[int]
    rows: Sequence[Row]
    failures: Sequence[tuple[int, Failed]]


def batches(
    dump: Dump, fields_of: Callable[[Collection[str]], Fields], parse: Parser = parse_line
) -> Iterator[Batch]:
    """Yield a log's events.

    Args:
        dump: the input.
        fields_of: tells what the parts of an event are called from the keys of the first rows.
        parse: makes an object of a line, or raises an `InputError`.

    Raises:
        InputError: the input is damaged, or is no text.
    """
    fields = None
    for parsed in _parsed(dump, parse):
        if parsed.rows and fields is None:
            fields = fields_of({key for row in parsed.rows for key in row})
        named = fields or Fields("", "")
        _refuse_late(parsed, named.missed, dump.name)
        raw = {part: [row.get(name) for row in parsed.rows] for part, name in named.parts().items()}
        columns = {part: _ids(raw[part]) if part in ("user", "item") else _numbers(raw[part]) for part in raw}
        lines = pl.Series("line", parsed.lines, dtype=pl.Int64)
        yield Batch(named, lines, columns, raw, parsed.failures, parsed.block.line)


def _refuse_late(parsed: _Parsed, missed: Collection[str], name: str) -> None:
    """Refuse a part of an event that comes only after millions of bytes without: some would have it, not all.

    Raises:
        InputError: there is one.
    """
    for line, row in zip(parsed.lines, parsed.rows, strict=True):
        if late := sorted(row.keys() & missed):
            raise InputError(
                f"a {late[0]} here, but none on earlier lines: all lines have one or none has",
                where=f"{name}:{line}",
            )


def items(
    dump: Dump,
    key_of: Callable[[Row], str],
    tell: Callable[[Row], Mapping[str, Any]],
    parse: Parser = parse_line,
) -> Iterator[tuple[str, Item | Failed]]:
    """Yield items with what `tell` finds worth telling.

    Args:
        dump: the input.
        key_of: tells what a row calls the item's id.
        tell: returns the attributes of a row.
        parse: makes an object of a line, or raises an `InputError`.

    Raises:
        InputError: the input is damaged, or is no text.
    """
    for parsed in _parsed(dump, parse):
        found: dict[int, Item | Failed] = dict(parsed.failures)
        for line, row in zip(parsed.lines, parsed.rows, strict=True):
            where = f"{dump.name}:{line}"
            try:
                found[line] = Item(exact_id(row, key_of(row), where), tell(row))
            except InputError as error:
                found[line] = Failed(error, parsed.block.line(line))
            except RecursionError:
                found[line] = Failed(InputError("nested too deep", where=where), parsed.block.line(line))
        for line in sorted(found):
            yield f"{dump.name}:{line}", found[line]


def _parsed(dump: Dump, parse: Parser) -> Iterator[_Parsed]:
    for block in read_blocks(dump.blocks(), dump.name):
        if block.is_blank():
            continue
        lines: list[int] = []
        rows: list[Row] = []
        failures: list[tuple[int, Failed]] = []
        for number, line in enumerate(block.lines, block.first):
            if line.isspace():
                continue
            try:
                rows.append(parse(line, f"{dump.name}:{number}"))
                lines.append(number)
            except InputError as error:
                failures.append((number, Failed(error, block.line(number))))
        yield _Parsed(block, lines, rows, failures)


def _ids(values: Values) -> pl.Series:
    """Return text; whole numbers are written out, and what cannot be an id is null."""
    if set(map(type, values)) <= {str, type(None)}:
        return pl.Series(values, dtype=pl.String)
    fine = (str(value) if type(value) in (str, int) else None for value in values)
    return pl.Series(fine, dtype=pl.String)


def _numbers(values: Values) -> pl.Series:
    """Return whole numbers, numbers, or, if they are mixed with anything else, text; null for no number."""
    kinds = set(map(type, values)) - {type(None)}
    if kinds <= {str}:
        return pl.Series(values, dtype=pl.String)
    if kinds == {int} and all(value is None or value in _INT64 for value in values):
        return pl.Series(values, dtype=pl.Int64)
    if kinds <= {int, float}:
        return pl.Series((value if value is None else float(value) for value in values), dtype=pl.Float64)
    fine = (str(value) if type(value) in (str, int, float) else None for value in values)
    return pl.Series(fine, dtype=pl.String)
