"""HDF5 needs seeking and pipes cannot: whole files on their way through a pipe."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol


class Writable(Protocol):
    """What takes bytes."""

    def write(self, data: bytes, /) -> object:
        """Write."""

    def flush(self) -> object:
        """Let the reader have everything written so far."""


@contextmanager
def spooled_input(stream: IO[bytes]) -> Iterator[Path]:
    """Copy a stream to a temporary file and yield its path."""
    with tempfile.TemporaryDirectory(prefix="genair-") as folder:
        path = Path(folder) / "stdin.h5"
        with path.open("wb") as sink:
            shutil.copyfileobj(stream, sink)
        yield path


@contextmanager
def spooled_output(stream: Writable) -> Iterator[Path]:
    """Yield a temporary path; on leaving without an error, copy its content to the stream."""
    with tempfile.TemporaryDirectory(prefix="genair-") as folder:
        path = Path(folder) / "stdout.h5"
        yield path
        with path.open("rb") as source:
            shutil.copyfileobj(source, stream)
        stream.flush()
