"""Which records of a batch can be used, and what is wrong with the others."""

from collections.abc import Mapping

import polars as pl

from genair.data.clock import ClockReader, read_numbers
from genair.data.importers.base import Batch
from genair.data.importers.exact import MISSING, complaint, refused_id
from genair.errors import InputError, shown
from genair.records import Failed

_IDS = frozenset(["user", "item"])


def check(batch: Batch, clock: ClockReader, name: str) -> tuple[pl.DataFrame, list[Failed]]:
    """Return the events of a batch as `user`, `item`, maybe `time`, `rating`, and the records that are none.

    Args:
        batch: records as they came.
        clock: reads their times.
        name: what errors call the input.

    Returns:
        The events in the order of the input, and the failures in the same order.
    """
    columns = {"user": batch.columns["user"], "item": batch.columns["item"]}
    if "time" in batch.columns:
        columns["time"] = clock.read(batch.columns["time"])
    if "rating" in batch.columns:
        columns["rating"] = read_numbers(batch.columns["rating"])
    frame = pl.DataFrame([column.rename(part) for part, column in columns.items()])
    read = [_is_id(part) if part in _IDS else pl.col(part).is_not_null() for part in columns]
    fine = frame.select(pl.all_horizontal(read)).to_series()
    failures = dict(batch.failures)
    for row in (~fine).arg_true().to_list():
        line = batch.lines[row]
        error = InputError(_reason(batch, row, frame.row(row, named=True), clock), where=f"{name}:{line}")
        failures[line] = Failed(error, batch.text(line))
    return frame.filter(fine), [failures[line] for line in sorted(failures)]


def _is_id(part: str) -> pl.Expr:
    column = pl.col(part)
    return column.is_not_null() & (column != "") & ~column.str.contains("\0", literal=True)


def _reason(batch: Batch, row: int, read: Mapping[str, object], clock: ClockReader) -> str:
    """Return what is wrong with the first part of a record that could not be read."""
    for part, field in batch.fields.parts().items():
        value = batch.raw[part][row]
        if part in _IDS:
            reason = refused_id(value)
        elif read[part] is not None:
            continue
        elif value is None or value == "":
            reason = MISSING
        else:
            reason = f"must be {clock.expected if part == 'time' else 'a number'}, not {shown(value)}"
        if reason is not None:
            return complaint(field, reason)
    return "no event"
