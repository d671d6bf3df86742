"""Parquet tables, a slice of rows at a time."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial

import polars as pl

from genair.data.importers.base import Batch, Fields
from genair.data.importers.columns import require
from genair.data.importers.exact import exact_id
from genair.errors import InputError
from genair.io.dumps import Dump
from genair.records import Failed, Item

_MAGIC = b"PAR1"
_ROWS = 500_000
_IDS = ("user", "item")
_TEXT = (pl.String, pl.Categorical, pl.Enum)


def is_parquet(dump: Dump) -> bool:
    """Return whether an input is Parquet."""
    return dump.head(len(_MAGIC)) == _MAGIC


def batches(dump: Dump, fields_of: Callable[[Collection[str]], Fields]) -> Iterator[Batch]:
    """Yield a log's events; errors name rows, counted from 1.

    Args:
        dump: the input.
        fields_of: tells what the parts of an event are called from the names of all columns.

    Raises:
        InputError: the file is damaged, or an id's column is neither text nor whole numbers.
    """
    with _table(dump) as table:
        schema = table.collect_schema()
        fields = fields_of(schema.names())
        parts = fields.parts()
        for part in _IDS:
            _require_exact(schema, parts[part], dump.name)
        for part in parts.keys() - set(_IDS):
            _require_number(schema, parts[part], dump.name)
        for first, frame in _slices(table.select(list(dict.fromkeys(parts.values())))):
            raw = {part: _plain(frame[name]) for part, name in parts.items()}
            ids = {part: raw[part].cast(pl.String) for part in _IDS}
            lines = pl.int_range(first, first + len(frame), eager=True)
            yield Batch(fields, lines, {**raw, **ids}, raw, text=partial(_row, frame, first))


def items(dump: Dump, key: str) -> Iterator[tuple[str, Item | Failed]]:
    """Yield items with all their columns; places are rows, counted from 1.

    Raises:
        InputError: the file is damaged, or the id's column is missing, or neither text nor whole numbers.
    """
    with _table(dump) as table:
        _require_exact(table.collect_schema(), key, dump.name)
        for first, frame in _slices(table):
            for line, row in enumerate(frame.iter_rows(named=True), first):
                where = f"{dump.name}:{line}"
                try:
                    yield (
                        where,
                        Item(exact_id(row, key, where), {name: row[name] for name in row if name != key}),
                    )
                except InputError as error:
                    yield where, Failed(error, _row(frame, first, line))


@contextmanager
def _table(dump: Dump) -> Iterator[pl.LazyFrame]:
    with dump.seekable() as path:
        try:
            yield pl.scan_parquet(path, glob=False)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            reason = str(error).partition("\n")[0]
            raise InputError(f"the Parquet file cannot be read ({reason})", where=dump.name) from error


def _slices(table: pl.LazyFrame) -> Iterator[tuple[int, pl.DataFrame]]:
    """Yield (number of its first row, rows)."""
    start = 0
    while len(frame := table.slice(start, _ROWS).collect()):
        yield start + 1, frame
        start += len(frame)


def _require_exact(schema: pl.Schema, name: str, where: str) -> None:
    require(schema, [name], where)
    kind = schema[name]
    if not (kind.is_integer() or kind in _TEXT):
        raise InputError(f"column {name!r} is {kind}: ids are text or whole numbers", where=where)


def _require_number(schema: pl.Schema, name: str, where: str) -> None:
    require(schema, [name], where)
    kind = schema[name]
    if not (kind.is_numeric() or kind in (pl.Date, pl.Datetime, pl.Null, *_TEXT)):
        raise InputError(f"column {name!r} is {kind}: it has to be numbers, dates or text", where=where)


def _plain(values: pl.Series) -> pl.Series:
    """Return categories as the text that they stand for."""
    return values.cast(pl.String) if values.dtype in _TEXT else values


def _row(frame: pl.DataFrame, first: int, line: int) -> dict[str, str]:
    return {name: str(value) for name, value in frame.row(line - first, named=True).items()}
