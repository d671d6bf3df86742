"""JSON lines: UTF-8, one object a line, split at line feeds only (never at U+2028)."""

import gzip
import hashlib
import math
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BufferedIOBase, BytesIO
from typing import IO, Any, cast

import orjson

from genair.errors import GenairError, InputError
from genair.io.blocks import Block, read_blocks
from genair.records import Failed

Row = dict[str, Any]
_BOM = b"\xef\xbb\xbf"
_PIECE = 1 << 20


def read_jsonl(stream: Iterable[bytes], name: str) -> Iterator[tuple[str, Row]]:
    """Yield `("name:line", object)` for every line that is not blank.

    A byte order mark and carriage returns are tolerated.

    Args:
        stream: lines that end in a line feed.
        name: what errors call the stream.

    Raises:
        InputError: a line is not UTF-8, not JSON, not an object, or cut off at the end of the file.
    """
    for where, row in read_records(stream, name):
        if isinstance(row, Failed):
            raise row.error
        yield where, row


def read_records(stream: Iterable[bytes], name: str, first: int = 1) -> Iterator[tuple[str, Row | Failed]]:
    """Yield what `read_jsonl` yields, with a broken line in its place as a `Failed`.

    Args:
        stream: lines that end in a line feed.
        name: what errors call the stream.
        first: the number of its first line.

    Raises:
        InputError: the stream is gzip and damaged, so that nothing more can be read.
    """
    with _readable(name):
        for number, line in enumerate(stream, start=first):
            text = line.removeprefix(_BOM) if number == 1 else line
            if text.strip():
                where = f"{name}:{number}"
                try:
                    yield where, parse_line(text, where)
                except InputError as error:
                    yield where, Failed(error, text.decode("utf-8", "replace"))


def read_groups(reader: "HashingReader", name: str) -> Iterator[Iterator[tuple[str, Row | Failed]]]:
    """Yield what `read_records` yields in the groups that the lines came in, for whom answers what is there.

    Raises:
        InputError: see `read_records`.
    """
    first = 1
    with _readable(name):
        for lines in reader.groups():
            yield read_records(lines, name, first)
            first += len(lines)


def blocks_of(reader: "HashingReader", name: str) -> Iterator[Block]:
    """Yield the lines in blocks, for those who need no object a line.

    Raises:
        InputError: the stream is gzip and damaged, or a line is far too long.
    """
    with _readable(name):
        yield from read_blocks(reader.pieces(), name)


@contextmanager
def _readable(name: str) -> Iterator[None]:
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"the gzip data is damaged or cut off ({error})", where=name) from error


def parse_line(line: bytes, where: str) -> Row:
    """Return the object on one line.

    Raises:
        InputError: the line is not one JSON object.
    """
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        torn = "" if line.endswith(b"\n") else "; the last line seems cut off: remove or complete it"
        raise InputError(f"broken JSON ({error}){torn}", where=where) from None
    if not isinstance(value, dict):
        raise InputError(f"expected a JSON object, found {type(value).__name__}", where=where)
    return value


def encode_line(row: Row) -> bytes:
    """Return one line with its line feed; keys keep their order.

    Raises:
        GenairError: a value has no JSON form, as NaN has none.
    """
    try:
        line = orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY)
    except (TypeError, ValueError) as error:
        raise GenairError(f"cannot write as JSON: {error}") from error
    if b"null" in line and not _finite(row):
        raise GenairError("cannot write as JSON: a number is not finite")
    return line


def encode_failed(failed: Failed) -> bytes:
    """Return the line that tells why a record was put aside; `line` is null if it has no JSON form."""
    where = None if failed.error.where is None else writable(failed.error.where)
    told = {"where": where, "error": writable(failed.error.message)}
    try:
        return encode_line({**told, "line": failed.line})
    except GenairError:  # nested deeper than can be written, say
        return encode_line({**told, "line": None})


def writable(text: str) -> str:
    """Return a text with `?` for halves of characters, as in names of files that are not UTF-8."""
    return text.encode("utf-8", "replace").decode()


def _finite(value: object) -> bool:
    match value:
        case float():
            return math.isfinite(value)
        case dict():
            return all(map(_finite, value.values()))
        case list() | tuple():
            return all(map(_finite, value))
        case _:
            return True


class HashingReader:
    """A line iterator over a binary stream that digests what passes through it."""

    def __init__(self, stream: IO[bytes]) -> None:
        """Wrap `stream`; reading stays as lazy as the stream is."""
        self._stream = stream
        self._digest = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        """Yield the stream's lines."""
        for line in self._stream:
            self._digest.update(line)
            yield line

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes that each read brings: of a pipe what has come so far, of a file a mebibyte."""
        read_some = cast(BufferedIOBase, self._stream).read1
        while piece := read_some(_PIECE):
            self._digest.update(piece)
            yield piece

    def groups(self) -> Iterator[list[bytes]]:
        """Yield the lines that each read completes."""
        begun: list[bytes] = []
        for piece in self.pieces():
            head, newline, tail = piece.rpartition(b"\n")
            if newline:
                yield BytesIO(b"".join([*begun, head, newline])).readlines()
                begun = []
            begun.append(tail)
        if any(begun):
            yield [b"".join(begun)]

    @property
    def sha256(self) -> str:
        """Return the hex digest of everything read so far."""
        return self._digest.hexdigest()
