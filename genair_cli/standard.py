"""The process's standard streams, made fit for writing data whatever it was started with."""

import io
import os
import sys
from typing import cast


def prepare_standard_streams() -> None:
    """Open what is closed, give stdout a buffer, and have it escape what a terminal's encoding lacks."""
    _open_closed()
    _buffer_stdout()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr does


def _open_closed() -> None:
    """Put something in the place of closed standard streams (`>&-`), so that no file gets their number.

    stdin is empty then, a write to stdout is an error as it is to a closed file, and stderr is lost.
    """
    for name, flags, mode in (
        ("stdin", os.O_RDONLY, "r"),
        ("stdout", os.O_RDONLY, "w"),
        ("stderr", os.O_WRONLY, "w"),
    ):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, flags), mode))


def _buffer_stdout() -> None:
    """Give stdout a buffer if it has none (PYTHONUNBUFFERED): a bare file may take only part of a block."""
    if isinstance(sys.stdout.buffer, io.RawIOBase):
        encoding, errors = sys.stdout.encoding, sys.stdout.errors
        raw = cast(io.RawIOBase, sys.stdout.detach())
        buffered = io.BufferedWriter(raw)
        sys.stdout = io.TextIOWrapper(buffered, encoding, errors, line_buffering=True)
