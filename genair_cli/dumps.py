"""Publishers' files and tables, opened: from a path or from stdin."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genair.io.dumps import Dump
from genair_cli.options import STDIN
from genair_cli.streams import STDIN_NAME, check_readable


@contextmanager
def dump_in(operand: str | None) -> Iterator[Dump]:
    """Yield an open dump.

    Raises:
        GenairError: the file is missing or cannot be read.
        InputError: it is packed in a way that is not read here.
    """
    if operand in (None, STDIN):
        yield Dump(sys.stdin.buffer, STDIN_NAME)
        return
    path = Path(str(operand))
    check_readable(path)
    with path.open("rb") as stream:
        yield Dump(stream, str(operand), path if path.is_file() else None)
