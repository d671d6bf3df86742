"""JSON lines that are read while they grow: what a long run says of itself, as it goes."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import IO, cast

from genair.errors import ReaderClosedError, UsageError
from genair.io.atomic import check_target
from genair.io.jsonl import Row, encode_line
from genair.io.special import is_special
from genair_cli.options import STDIN
from genair_cli.streams import Outlet


def refuse_packed(flag: str, target: Path | None) -> None:
    """Refuse a name of a compressed file, to which no line can be added; `flag` is the option that says it.

    Raises:
        UsageError: it is one.
    """
    if target is not None and target.suffix == ".gz":
        raise UsageError(f"{flag} {target}: lines are added as they come, so they are not compressed")


@contextmanager
def growing(target: Path | None, before: Sequence[Row], *, force: bool) -> Iterator[Callable[[Row], None]]:
    """Yield what adds a line, to be read at once.

    A file begins anew with the lines that there were before; it is made when there is a first. Whoever reads
    a pipe or device had them already, and may go.

    Args:
        target: the file, `-` for stdout, or None for nowhere.
        before: the lines of the work that is gone on with.
        force: whether a file that exists may be replaced; one of the work that is gone on with always may.

    Raises:
        GenairError: the file exists or cannot be written.
        OSError: the disk is full.
    """
    if target is None:
        yield lambda _row: None
        return
    passing = str(target) == STDIN or is_special(target)
    replace = force or (not passing and _begins_with(target, before[:1]))
    if not passing:
        check_target(target, force=replace)
    with ExitStack() as stack:
        outlet = cache(lambda: Outlet(_open(target, stack, force=replace), target))

        def write(row: Row) -> None:
            try:
                outlet().write(encode_line(row))
                outlet().flush()
            except ReaderClosedError:
                return

        for row in [] if passing else before:
            write(row)
        yield write


def _begins_with(target: Path, rows: Sequence[Row]) -> bool:
    """Return whether a file begins with these lines, or is what a kill left of them; not if there is none."""
    wanted = b"".join(map(encode_line, rows))
    if not wanted or not target.is_file():
        return False
    with target.open("rb") as file:
        return wanted.startswith(file.read(len(wanted)))


def _open(target: Path, stack: ExitStack, *, force: bool) -> IO[bytes]:
    """Open; without a buffer for a pipe, since what its reader left in one would be an error at the end."""
    if str(target) == STDIN:
        return cast(IO[bytes], sys.stdout.buffer)
    check_target(target, force=force)
    buffering = 0 if is_special(target) else -1
    return cast(IO[bytes], stack.enter_context(target.open("wb", buffering=buffering)))
