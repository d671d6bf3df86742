"""JSON lines: UTF-8, one object a line, split at line feeds only (never at U+2028)."""

import gzip
import hashlib
import math
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any

import orjson

from genair.errors import GenairError, InputError

Row = dict[str, Any]
_BOM = b"\xef\xbb\xbf"


OnBad = Callable[[InputError, object], None]


def read_jsonl(stream: Iterable[bytes], name: str, on_bad: OnBad | None = None) -> Iterator[tuple[str, Row]]:
    """Yield `("name:line", object)` for every line that is not blank.

    A byte order mark and carriage returns are tolerated.

    Args:
        stream: lines that end in a line feed.
        name: what errors call the stream.
        on_bad: takes the error and the text of a broken line, which is then skipped.

    Raises:
        InputError: a line is not UTF-8, not JSON, not an object, or cut off at the end of the file.
    """
    try:
        for number, line in enumerate(stream, start=1):
            text = line.removeprefix(_BOM) if number == 1 else line
            if text.strip():
                where = f"{name}:{number}"
                try:
                    row = parse_line(text, where)
                except InputError as error:
                    if on_bad is None:
                        raise
                    on_bad(error, text.decode("utf-8", "replace"))
                    continue
                yield where, row
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

    @property
    def sha256(self) -> str:
        """Return the hex digest of everything read so far."""
        return self._digest.hexdigest()
