"""Tables of your own: CSV and other delimited text, JSON lines, Parquet, told by how they begin.

What the columns mean is settings. All columns of an item table are kept.
"""

import codecs
from collections.abc import Collection, Iterator

from genair.config.importing import TableConfig
from genair.data.importers import columns, parquet, rows
from genair.data.importers.base import Batch, Fields
from genair.data.importers.delimited import Dialect, read_chunks
from genair.data.importers.rows import Row
from genair.errors import InputError, UsageError
from genair.io.blocks import Block, read_blocks
from genair.io.dumps import Dump
from genair.records import Failed, Item

_START = 4096
_UTF8 = ("utf-8", "utf-8-sig")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Table:
    """A log and an item table."""

    def __init__(self, config: TableConfig) -> None:
        """Take what the columns mean."""
        self._config = config
        self._key = config.key or config.item

    def log(self, dump: Dump) -> Iterator[Batch]:
        """Yield the events."""

        def fields_of(names: Collection[str]) -> Fields:
            return _fields(self._config, names, dump.name)

        if parquet.is_parquet(dump):
            self._refuse_of_text("Parquet")
            return parquet.batches(dump, fields_of)
        if self._is_json(dump):
            self._refuse_of_text("JSON lines")
            return rows.batches(dump, fields_of)
        dialect = Dialect(self._config.separator, self._config.columns)
        return columns.batches(read_chunks(self._blocks(dump), dump.name, dialect), fields_of)

    def items(self, dump: Dump) -> Iterator[tuple[str, Item | Failed]]:
        """Yield the items."""
        if parquet.is_parquet(dump):
            return parquet.items(dump, self._key)
        if self._is_json(dump):
            return rows.items(dump, lambda _: self._key, lambda row: _others(row, self._key))
        chunks = read_chunks(self._blocks(dump), dump.name, Dialect(self._config.separator))
        return columns.items(chunks, dump.name, self._key, lambda row: _others(row, self._key))

    def _refuse_of_text(self, kind: str) -> None:
        """Refuse settings that only mean something in delimited text.

        Raises:
            UsageError: there are some.
        """
        if self._config.columns:
            raise UsageError(f"--columns does not go with {kind}, which names its columns itself")
        if self._config.separator:
            raise UsageError(f"--separator does not go with {kind}, which has none")
        if codecs.lookup(self._config.encoding).name not in _UTF8:
            raise UsageError(f"--encoding does not go with {kind}, which is UTF-8")

    def _is_json(self, dump: Dump) -> bool:
        """Return whether a text is JSON lines.

        Raises:
            InputError: it is a JSON array.
        """
        start = dump.head(_START).removeprefix(codecs.BOM_UTF8).lstrip()
        if start.startswith(b"[") and start[1:].lstrip().startswith(b"{"):
            raise InputError(
                "is a JSON array: give one object a line, as `jq -c '.[]'` makes them", where=dump.name
            )
        return start.startswith(b"{")

    def _blocks(self, dump: Dump) -> Iterator[Block]:
        """Return a text's lines in UTF-8."""
        if codecs.lookup(self._config.encoding).name in _UTF8:
            if dump.head(2) in _UTF16:
                raise InputError("is UTF-16: --encoding utf-16 says so", where=dump.name)
            return read_blocks(dump.blocks(), dump.name)
        return read_blocks(_recoded(dump, self._config.encoding), dump.name)


def _fields(config: TableConfig, names: Collection[str], where: str) -> Fields:
    """Return what the parts of an event are called.

    Raises:
        InputError: a column that is needed, or was named, is not there.
        UsageError: there are no times to be of a format.
    """
    optional = {"time": (config.time, "timestamp"), "rating": (config.rating, "rating")}
    chosen = {
        part: (usual if usual in names else None) if named is None else (named or None)
        for part, (named, usual) in optional.items()
    }
    wanted = [config.user, config.item, *(name for name in chosen.values() if name)]
    if chosen["time"] is None and config.time_format != "auto":
        raise UsageError("--time-format needs times, and the log has none: --time names their column")
    columns.require(names, wanted, where, "; --user, --item, --time and --rating name the right ones")
    missed = frozenset(
        usual for part, (named, usual) in optional.items() if named is None and not chosen[part]
    )
    return Fields(config.user, config.item, **chosen, time_format=config.time_format, missed=missed)


def _recoded(dump: Dump, encoding: str) -> Iterator[bytes]:
    """Yield a text in UTF-8.

    Raises:
        InputError: it is not of that encoding.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for piece in dump.blocks():
            yield decoder.decode(piece).encode()
        yield decoder.decode(b"", final=True).encode()
    except UnicodeError as error:
        raise InputError(f"is not {encoding} ({error})", where=dump.name) from error


def _others(row: Row, key: str) -> Row:
    """Return an item's columns without its id."""
    return {name: value for name, value in row.items() if name != key}
