"""Lines of a click log as columns: fast where they are plain, exact where not, the same both ways.

Polars reads JSON as strictly as we do, but makes text of numbers, takes the first of two equal keys where
others take the last, and lets half a surrogate pass. So a block counts as plain only if every line names each
id once, with a string behind it: polars finds the key in every line, there are as many places that spell it
as lines, and behind each is a quote. Escapes that could spell the key in another way are none of a plain
block's. Any other block is read line by line, which names the line that is wrong.
"""

import re
from collections.abc import Sequence

import polars as pl

from genair.errors import InputError
from genair.io.blocks import Block
from genair.io.jsonl import parse_line
from genair.records import require_id, require_time

USER, ITEM, TIME = "user_id", "item_id", "timestamp"
_NO_TIME = "no timestamp here, but on earlier lines: all lines have one or none has"
_LATE_TIME = "a timestamp here, but none on earlier lines: all lines have one or none has"
# an escaped ASCII character, or half of one beyond 16 bits
_LETTER_OR_HALF = re.compile(rb"\\u(?:00[0-7]|[dD])")
_INT64 = range(-(2**63), 2**63)


def read_lines(block: Block, name: str, *, timed: bool | None) -> pl.DataFrame:
    """Return a block's events.

    Args:
        block: whole lines.
        name: what errors call the input.
        timed: whether the lines before have times; None if there are none.

    Returns:
        A row an event: `user_id` and `item_id` (text) and, if the log has times, `timestamp`: int64 if all
        are whole numbers of 64 bits, else float64.

    Raises:
        InputError: a line is not a JSON object, an id is missing or no string, or a timestamp is no number or
            missing where others have one.
    """
    frame = plain_lines(block.data)
    if frame is None or timed not in (None, TIME in frame.columns):
        return _exact(block, name, timed)
    return frame


def plain_lines(data: bytes) -> pl.DataFrame | None:
    """Return the events of a plain block, a row a line, as `read_lines` does, or None for any other block."""
    if not data.startswith(b"{") or _LETTER_OR_HALF.search(data):
        return None
    frame = _parsed(data, pl.Int64())
    frame = _parsed(data, pl.Float64()) if frame is None else frame
    if frame is None or len(frame) != data.count(b"\n") + (not data.endswith(b"\n")):
        return None
    if not all(_are_ids(frame[key], data) for key in (USER, ITEM)):
        return None
    times = data.count(b'"timestamp"')
    if not times:
        return frame.drop(TIME)
    return frame if times == len(frame) == frame[TIME].count() else None


def _parsed(data: bytes, times: pl.DataType) -> pl.DataFrame | None:
    try:
        return pl.read_ndjson(data, schema={USER: pl.String(), ITEM: pl.String(), TIME: times})
    except pl.exceptions.PolarsError:
        return None


def _are_ids(values: pl.Series, data: bytes) -> bool:
    """Return whether a column came from one key a line with a string behind it, none of them empty."""
    key = f'"{values.name}"'.encode()
    rows = values.count()
    if rows != len(values) or rows != data.count(key):
        return False
    strings = data.count(key + b':"') or data.count(key + b': "')
    return rows == strings and not (values == "").any()


def _exact(block: Block, name: str, timed: bool | None) -> pl.DataFrame:
    users: list[str] = []
    items: list[str] = []
    times: list[float] = []
    for number, line in enumerate(block.lines, block.first):
        if not line.strip():
            continue
        where = f"{name}:{number}"
        row = parse_line(line, where)
        users.append(require_id(row, USER, where))
        items.append(require_id(row, ITEM, where))
        timed = _same_kind(timed, row.get(TIME), where)
        if (time := require_time(row, where)) is not None:
            times.append(time)
    return columns_of(users, items, times if timed else None)


def _same_kind(timed: bool | None, time: object, where: str) -> bool:
    here = time is not None
    if timed is not None and timed != here:
        raise InputError(_LATE_TIME if here else _NO_TIME, where=where)
    return here


def columns_of(users: Sequence[str], items: Sequence[str], times: Sequence[float] | None) -> pl.DataFrame:
    """Return events as `read_lines` does; None is a log without times."""
    frame = pl.DataFrame({USER: users, ITEM: items}, schema={USER: pl.String(), ITEM: pl.String()})
    return frame if times is None else frame.with_columns(_column(times))


def _column(times: Sequence[float]) -> pl.Series:
    if all(isinstance(time, int) and time in _INT64 for time in times):
        return pl.Series(TIME, times, dtype=pl.Int64)
    return pl.Series(TIME, [float(time) for time in times], dtype=pl.Float64)
