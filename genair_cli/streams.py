"""Where data comes in and goes out: files, pipes, standard streams.

No operand, or `-`, is stdin. Names that end in .gz are gzip. HDF5 needs seeking, so it is spooled through a
temporary file when it comes from or goes to a pipe.
"""

import gzip
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, cast

from genair.errors import GenairError, InputError, ReaderClosedError, UsageError
from genair.io.atomic import atomic_path, check_target, is_special
from genair.io.jsonl import HashingReader, OnBad, Row, encode_line, read_jsonl
from genair.io.spool import spooled_input, spooled_output
from genair_cli.options import STDIN

STDIN_NAME = "stdin"


@dataclass
class Source:
    """An open JSONL input.

    Attributes:
        name: what errors call it.
        rows: `(where, object)` pairs, read lazily.
        reader: knows the digest of what was read.
    """

    name: str
    rows: Iterator[tuple[str, Row]]
    reader: HashingReader


class Sink:
    """An open JSONL output; every line reaches the reader at once."""

    def __init__(self, stream: IO[bytes]) -> None:
        """Wrap a binary stream."""
        self._stream = stream

    def write(self, row: Row) -> None:
        """Write one line.

        Raises:
            ReaderClosedError: whoever read the pipe has gone.
        """
        try:
            self._stream.write(encode_line(row))
            self._stream.flush()
        except BrokenPipeError as error:
            raise ReaderClosedError from error


def check_operands(*operands: str | None) -> None:
    """Refuse two operands that both are stdin, and a terminal nobody meant to type into.

    Raises:
        UsageError: either is the case.
    """
    from_stdin = [operand for operand in operands if operand in (None, STDIN)]
    if len(from_stdin) > 1:
        raise UsageError("only one input can be stdin: name a file for the other")
    if None in operands and sys.stdin.isatty():
        raise UsageError("no input: name a file, or pipe one in")


@contextmanager
def rows_in(
    operand: str | None, *, limit: int | None = None, on_bad: OnBad | None = None
) -> Iterator[Source]:
    """Yield an open JSONL input.

    Raises:
        GenairError: the file is missing or cannot be read.
    """
    with ExitStack() as stack:
        name = STDIN_NAME if operand in (None, STDIN) else str(operand)
        stream = (
            sys.stdin.buffer if operand in (None, STDIN) else stack.enter_context(_open(Path(str(operand))))
        )
        reader = HashingReader(stream)
        yield Source(name, islice(read_jsonl(reader, name, on_bad), limit), reader)


@contextmanager
def rows_out(target: Path | None, *, force: bool) -> Iterator[Sink]:
    """Yield a JSONL output: a file that appears whole or not at all, or stdout.

    Raises:
        GenairError: the target cannot be written; see `check_target`.
    """
    if target is None or str(target) == STDIN:
        yield Sink(sys.stdout.buffer)
    elif is_special(target):
        check_target(target, force=force)
        with target.open("wb") as stream:
            yield Sink(stream)
    else:
        with (
            atomic_path(target, force=force) as path,
            _writer(path, compressed=target.suffix == ".gz") as stream,
        ):
            yield Sink(stream)


@contextmanager
def container_in(operand: str | None) -> Iterator[tuple[Path, str]]:
    """Yield (path, name for errors) of an HDF5 input; stdin is spooled.

    Raises:
        GenairError: the file is missing.
        InputError: nothing came through the pipe.
    """
    if operand not in (None, STDIN):
        path = Path(str(operand))
        check_readable(path)
        yield path, str(operand)
        return
    with spooled_input(sys.stdin.buffer) as path:
        if path.stat().st_size == 0:
            raise InputError("the input is empty: did the command before it fail?", where=STDIN_NAME)
        yield path, STDIN_NAME


@contextmanager
def container_out(target: Path | None, *, force: bool) -> Iterator[Path]:
    """Yield a path to write an HDF5 output to; a pipe gets it at the end.

    Raises:
        UsageError: stdout is a terminal.
        GenairError: the target cannot be written; see `check_target`.
        ReaderClosedError: whoever read the pipe has gone.
    """
    if target is not None and str(target) != STDIN:
        with atomic_path(target, force=force) as path:
            yield path
        return
    if sys.stdout.isatty():
        raise UsageError("will not write HDF5 to a terminal: use -o FILE or a pipe")
    try:
        with spooled_output(sys.stdout.buffer) as path:
            yield path
    except BrokenPipeError as error:
        raise ReaderClosedError from error


def _open(path: Path) -> IO[bytes]:
    check_readable(path)
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


@contextmanager
def _writer(path: Path, *, compressed: bool) -> Iterator[IO[bytes]]:
    """Open for writing; gzip carries no name and no time, so equal content gives equal bytes."""
    with path.open("wb") as raw:
        if not compressed:
            yield raw
            return
        with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed:
            yield cast(IO[bytes], packed)
