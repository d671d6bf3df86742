"""Outputs that no file can take the place of: devices, FIFOs, and names of open files, like /dev/stdout.

They are written in place, and whoever reads them may go.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO, TypeVar, cast

from genair.errors import ReaderClosedError

_LINKS = 40  # followed at most
Closable = TypeVar("Closable", bound=IO[bytes])


def is_special(target: Path) -> bool:
    """Return whether the target is a device, FIFO, socket or open file, which must be written in place."""
    return target.exists() and (not target.is_file() or _is_descriptor(target))


@contextmanager
def heard(name: str, *, aside: bool) -> Iterator[None]:
    """Tell a reader that has gone from other errors of writing, which are given a name.

    Args:
        name: what is written to.
        aside: whether the work goes on when its reader has gone; what is written then is lost.

    Raises:
        ReaderClosedError: whoever read it has gone.
    """
    try:
        yield
    except BrokenPipeError as error:
        if not aside:
            raise ReaderClosedError from error
    except OSError as error:
        error.filename = error.filename or name
        raise


@contextmanager
def closing(stream: Closable, name: str, *, aside: bool = False) -> Iterator[Closable]:
    """Yield a stream that is written to, and close it: what is written only then may find no room.

    On leaving by an error that one goes on, not what became of the last bytes.

    Args:
        stream: what is written to.
        name: what errors call it.
        aside: see `heard`, which says what is raised.
    """
    try:
        yield stream
    except BaseException:
        with suppress(OSError):
            stream.close()
        raise
    with heard(name, aside=aside):
        stream.close()


class SpecialFile:
    """Such a target, open; what an open file, like /dev/stdout, holds already stays.

    On leaving by an error that one goes on, not what became of the last bytes.
    """

    def __init__(self, target: Path, *, aside: bool = False) -> None:
        """Open it.

        Args:
            target: its name.
            aside: whether the work goes on when whoever reads it has gone; what is written then is lost.
        """
        self._stream, self._target, self._aside = target.open("ab"), target, aside

    def write(self, data: bytes) -> int:
        """Write, and return how many bytes.

        Raises:
            ReaderClosedError: whoever read it has gone.
            OSError: the disk is full, say; it names the target.
        """
        with self._heard():
            self._stream.write(data)
        return len(data)

    def flush(self) -> None:
        """Let the reader have everything written so far; raises as `write` does."""
        with self._heard():
            self._stream.flush()

    def __enter__(self) -> IO[bytes]:
        """Return the stream to write to."""
        return cast(IO[bytes], self)

    def __exit__(self, kind: object, *_: object) -> None:
        """Close it; raises as `write` does, unless there is an error already."""
        with self._heard() if kind is None else suppress(OSError):
            self._stream.close()

    def _heard(self) -> AbstractContextManager[None]:
        return heard(str(self._target), aside=self._aside)


def _is_descriptor(target: Path) -> bool:
    """Return whether a path names an open file: /dev/stdout, /dev/fd/1, /proc/self/fd/1."""
    for _ in range(_LINKS):
        *_, kind, _, place = ("", "", *os.path.realpath(target.parent).split("/"))
        if kind == "proc" and place == "fd":
            return True
        if not target.is_symlink():
            return False
        target = target.parent / target.readlink()
    return False
