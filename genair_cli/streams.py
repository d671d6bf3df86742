"""Where data comes in and goes out: files, pipes, standard streams.

No operand, or `-`, is stdin. Names that end in .gz are gzip. HDF5 needs seeking, so it is spooled through a
temporary file when it comes from or goes to a pipe.
"""

import gzip
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, cast

from genair.errors import GenairError, InputError
from genair.io.atomic import atomic_path
from genair.io.blocks import Block
from genair.io.jsonl import HashingReader, Row, blocks_of, encode_line, read_groups, read_jsonl, read_records
from genair.io.special import SpecialFile, closing, heard, is_special
from genair.io.spool import spooled_input, spooled_output
from genair.records import Failed
from genair_cli.operands import check_container_target
from genair_cli.options import STDIN

STDIN_NAME = "stdin"
_ENDS_WAITING = True  # Ctrl-C does, of a FIFO; importing polars undoes it


def name_of(operand: str | None) -> str:
    """Return what errors call an input."""
    return STDIN_NAME if operand in (None, STDIN) else str(operand)


@dataclass
class Source:
    """An open JSONL input; read one of `rows`, `records`, `groups` and `blocks`.

    Attributes:
        name: what errors call it.
        rows: `(where, object)` pairs, read lazily; a broken line raises.
        records: the same, with a broken line in its place as a `Failed`.
        groups: the records in groups, each what has come so far; `limit` does not count them.
        blocks: the lines as they are, not parsed; `limit` does not count them.
        reader: knows the digest of what was read.
    """

    name: str
    rows: Iterator[tuple[str, Row]]
    records: Iterator[tuple[str, Row | Failed]]
    groups: Iterator[Iterator[tuple[str, Row | Failed]]]
    blocks: Iterator[Block]
    reader: HashingReader


class Outlet:
    """A binary stream whose reader may go away, and whose errors say its name."""

    def __init__(self, stream: IO[bytes], target: Path | None = None, *, aside: bool = False) -> None:
        """Wrap a binary stream.

        Args:
            stream: what is written to.
            target: its name; without one, or with `-`, it is stdout.
            aside: whether the work goes on when its reader has gone; what is written then is lost.
        """
        self._stream, self._aside = stream, aside
        self._name = "stdout" if target is None or str(target) == STDIN else str(target)

    def write(self, data: bytes) -> None:
        """Write.

        Raises:
            ReaderClosedError: whoever read the pipe has gone.
            OSError: the disk is full, say; it names the target.
        """
        with heard(self._name, aside=self._aside):
            self._stream.write(data)

    def flush(self) -> None:
        """Let the reader have everything written so far.

        Raises:
            ReaderClosedError: whoever read the pipe has gone.
            OSError: the disk is full, say; it names the target.
        """
        with heard(self._name, aside=self._aside):
            self._stream.flush()


class Sink:
    """An open JSONL output; every line reaches the reader at once."""

    def __init__(self, stream: IO[bytes]) -> None:
        """Wrap a binary stream."""
        self._outlet = Outlet(stream)

    def write(self, row: Row) -> None:
        """Write one line.

        Raises:
            ReaderClosedError: whoever read the pipe has gone.
        """
        self._outlet.write(encode_line(row))
        self._outlet.flush()


@contextmanager
def rows_in(operand: str | None, *, limit: int | None = None) -> Iterator[Source]:
    """Yield an open JSONL input.

    Raises:
        GenairError: the file is missing or cannot be read.
    """
    with ExitStack() as stack:
        name = name_of(operand)
        if operand in (None, STDIN):
            stream = _stdin()
        else:
            path = Path(name)
            stream = _open(path)
            if path.is_file():  # closing a FIFO would wait for the thread that waits in it
                stack.callback(stream.close)
        reader = HashingReader(stream)
        rows, records = read_jsonl(reader, name), read_records(reader, name)
        groups, blocks = read_groups(reader, name), blocks_of(reader, name)
        yield Source(name, islice(rows, limit), islice(records, limit), groups, blocks, reader)


@contextmanager
def lines_out(target: Path | None, *, force: bool, aside: bool = False) -> Iterator[Outlet]:
    """Yield what lines are written to: a pipe, device or FIFO has them at once, a file when it is whole.

    Args:
        target: where; None or `-` is stdout.
        force: whether a file that exists may be replaced.
        aside: whether this is not what the command is for, so that its reader may go before the work is done.

    Raises:
        GenairError: the target cannot be written; see `check_target`.
    """
    if target is None or str(target) == STDIN:
        outlet = Outlet(cast(IO[bytes], sys.stdout.buffer), aside=aside)
        yield outlet
        outlet.flush()
        return
    with ExitStack() as stack:
        if is_special(target):
            stream = stack.enter_context(SpecialFile(target, aside=aside))
        else:
            path = stack.enter_context(atomic_path(target, force=force))
            stream = stack.enter_context(closing(path.open("wb"), str(target), aside=aside))
        if target.suffix == ".gz":
            stream = stack.enter_context(packing(stream, str(target), aside=aside))
        yield Outlet(stream, target)


@contextmanager
def packing(stream: IO[bytes], name: str, *, aside: bool = False) -> Iterator[IO[bytes]]:
    """Yield what packs by gzip what is written to it; without name and time equal bytes give equal bytes."""
    packed = cast(IO[bytes], gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0))
    with closing(packed, name, aside=aside):
        yield packed


def _stdin() -> IO[bytes]:
    """Return standard input as a stream of its own.

    It may be read in another thread, and Python cannot end while a thread waits in `sys.stdin` itself.
    """
    try:
        return os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    except (OSError, ValueError):  # no real file, as in tests
        return sys.stdin.buffer


@contextmanager
def container_in(operand: str | None) -> Iterator[tuple[Path, str]]:
    """Yield (path, name for errors) of an HDF5 input; stdin and pipes are spooled.

    Raises:
        GenairError: the file is missing.
        InputError: nothing came through the pipe.
    """
    name, piped = name_of(operand), operand in (None, STDIN)
    if not piped:
        check_readable(Path(name))
        if Path(name).is_file():
            yield Path(name), name
            return
    with ExitStack() as stack:
        stream = sys.stdin.buffer if piped else stack.enter_context(_open(Path(name)))
        spooled = stack.enter_context(spooled_input(stream))
        if spooled.stat().st_size == 0:
            raise InputError("the input is empty: did the command before it fail?", where=name)
        yield spooled, name


@contextmanager
def container_out(target: Path | None, *, force: bool) -> Iterator[Path]:
    """Yield a path to write an HDF5 output to; a pipe gets it at the end.

    Raises:
        UsageError: see `check_container_target`.
        GenairError: the target cannot be written; see `check_target`.
        ReaderClosedError: whoever read the pipe has gone.
    """
    check_container_target(target)
    if target is not None and str(target) != STDIN:
        with atomic_path(target, force=force) as path:
            yield path
        return
    with spooled_output(Outlet(cast(IO[bytes], sys.stdout.buffer))) as path:
        yield path


def _open(path: Path) -> IO[bytes]:
    check_readable(path)
    if not path.is_file():
        signal.siginterrupt(signal.SIGINT, _ENDS_WAITING)
    return cast(IO[bytes], gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def check_readable(path: Path) -> None:
    """Refuse an input that is not there.

    Raises:
        GenairError: the file is missing, a folder, or may not be read.
    """
    if not path.exists():
        raise GenairError("no such file", where=str(path))
    if path.is_dir():
        raise GenairError("is a folder, not a file", where=str(path))
    if not os.access(path, os.R_OK):
        raise GenairError("permission denied", where=str(path))
