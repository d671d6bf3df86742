"""What is fuzzed: each parser as a function of bytes that raises if, and only if, something is wrong with it.

Errors of the input are fine; anything else is not, nor is an answer that a slower, simpler way does not give.
"""

import ast
import io
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from math import isfinite

import orjson
import polars as pl

from genair.config.importing import FilterConfig, TableConfig
from genair.data.clock import ClockReader, read_numbers
from genair.data.importers import IMPORTERS, delimited
from genair.data.importers.delimited import Dialect
from genair.data.importers.literals import parse_literal
from genair.data.importers.stage import import_dumps
from genair.data.interactions import read_interactions
from genair.data.loglines import _exact
from genair.errors import GenairError, InputError
from genair.io.blocks import Block, read_blocks
from genair.io.dumps import Dump
from genair.io.jsonl import HashingReader, read_groups, read_records
from genair.plaintext import plain_text

FORMS = {form: IMPORTERS.get(form) for form in ("amazon", "yelp", "movielens", "table")}
_BETWEEN = b"\n%%\n"  # the log and the item table
_PLAIN = (b"{", b"\n", b" ")


def import_(form: str, data: bytes) -> None:
    """Import a log and a table: what is written reads back, every line of JSON is an event or a failure."""
    log, _, table = data.partition(_BETWEEN)
    lines: list[bytes] = []
    failed: list[str] = []
    with suppress(GenairError):
        report = import_dumps(
            FORMS[form](TableConfig()),
            Dump(io.BytesIO(log), "log"),
            Dump(io.BytesIO(table), "table"),
            FilterConfig(duplicates="keep"),
            lambda line: orjson.loads(line)["item_id"],
            lines.append,
            lambda one: failed.append(str(one.error.where)),
            lambda _: None,
        )
        assert len(set(failed)) == len(failed), failed
        written = read_interactions([Block(b"".join(lines), 1)], "written")
        assert len(written) == report.summary.interactions == report.read.interactions
        if form in ("amazon", "yelp") and log.startswith(_PLAIN):
            named = sum(where.startswith("log:") for where in failed)
            assert len(written) + named == sum(not line.isspace() for line in io.BytesIO(log))


def click_log(data: bytes) -> None:
    """Read a log as stages do: cut into blocks of any size, it is what line by line it is."""
    assert _columns(data, 64) == _columns(data, 1 << 22) == _one_by_one(data)


def _columns(data: bytes, size: int) -> str:
    try:
        log = read_interactions(read_blocks([data[:50], data[50:]], "log", size), "log")
    except InputError as error:
        return str(error)
    users, items = (
        [ids[code] for code in codes] for ids, codes in ((log.user_ids, log.users), (log.item_ids, log.items))
    )
    return repr([users, items, log.times.tolist() if log.timed else None])


def _one_by_one(data: bytes) -> str:
    try:
        frame = _exact(Block(data.removeprefix(b"\xef\xbb\xbf"), 1), "log", timed=None)
        if frame.is_empty():
            return "log: no interactions: the input is empty"
    except InputError as error:
        return str(error)
    columns = [
        frame[name].to_list() if name in frame.columns else None
        for name in ("user_id", "item_id", "timestamp")
    ]
    return repr(columns)


def records(data: bytes) -> None:
    """Read JSON lines: in groups or one after the other, it is the same."""
    found = list(read_records(io.BytesIO(data), "a"))
    reader = HashingReader(io.BytesIO(data))
    assert repr([one for group in read_groups(reader, "a") for one in group]) == repr(found)
    assert len(found) == sum(bool(line.strip()) for line in io.BytesIO(data.removeprefix(b"\xef\xbb\xbf")))


def csv(data: bytes) -> None:
    """Divide text into fields: the fast way gives what the exact way gives."""
    for literal in (False, True):
        dialect = Dialect(",", ("x", "y", "z"), literal)
        fast = delimited._fast(Block(data, 7), dialect) if data else None
        exact = delimited._exact(Block(data, 7), "t", dialect)
        if fast is not None:
            assert exact.failures == []
            for name in dialect.header:
                assert fast.columns[name].to_list() == exact.columns[name].to_list()


def literal(data: bytes) -> None:
    """Read a Python literal: as Python does, unless it is JSON."""
    line = data.replace(b"\n", b" ")
    with suppress(InputError):
        found = parse_literal(line, "a")
        known = _as_python(line)
        assert known is None or repr(found) == repr(known)


def _as_python(line: bytes) -> object:
    """Return what Python reads; None for JSON, and for what JSON cannot say."""
    with suppress(orjson.JSONDecodeError):
        orjson.loads(line)
        return None
    with suppress(ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        value = ast.literal_eval(line.decode().strip())
        orjson.dumps(value)
        return value
    return None


def times(data: bytes) -> None:
    """Read times: a number or null for each, and numbers are those that Python reads."""
    values = pl.Series(data.decode("utf-8", "replace").split("\n"))
    for form in ("auto", "s", "iso", "%d/%m/%Y %H:%M:%S.%f"):
        reader = ClockReader(form)
        found = reader.read(values)
        assert len(found) == len(values)
        if found.count():
            reader.clock(found.drop_nulls()).seconds(found.drop_nulls())
    for text, number in zip(values, read_numbers(values), strict=True):
        if number is not None:
            assert isfinite(number)
            assert number == float(text)


def packed(data: bytes) -> None:
    """Unpack: the plain bytes, or an error of the input."""
    with suppress(InputError):
        found = b"".join(Dump(io.BytesIO(data), "a").blocks(7))
        assert found == data or data.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd"))


def text(data: bytes) -> None:
    """Make text plain: one line without control characters."""
    found = plain_text(data.decode("utf-8", "replace"))
    assert found == found.strip()
    assert len(found.splitlines()) <= 1


TARGETS: dict[str, Callable[[bytes], None]] = {
    **{form: partial(import_, form) for form in FORMS},
    **{one.__name__: one for one in (click_log, records, csv, literal, times, packed, text)},
}
