"""Several outputs that appear together: all of them whole, or none."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from genair.io.atomic import check_target
from genair.io.special import is_special
from genair_cli.operands import refuse_twice
from genair_cli.options import STDIN
from genair_cli.streams import Outlet, lines_out


def check_targets(targets: Sequence[Path | None], *, force: bool) -> None:
    """Refuse early what could only fail at the end.

    Raises:
        UsageError: two outputs are one.
        GenairError: an output exists or cannot be written.
    """
    named = [target for target in targets if target is not None]
    refuse_twice(named)
    for target in named:
        if str(target) != STDIN:
            check_target(target, force=force)


@contextmanager
def outputs_together(targets: Sequence[Path | None], *, force: bool) -> Iterator[list[Outlet | None]]:
    """Yield what lines of each output are written to; on leaving without an error all become files.

    A reader of one may go before the work is done: the others are written all the same.

    Args:
        targets: the outputs, `-` for stdout, None for one that nobody asked for.
        force: whether outputs that exist may be replaced.

    No two renames are one, so the old file of the first output goes before any new one comes, and its new one
    comes last: if it is there, the others belong to it.

    Raises:
        UsageError: two outputs are one.
        GenairError: an output exists or cannot be written.
    """
    check_targets(targets, force=force)
    with ExitStack() as stack:
        yield [
            None if target is None else stack.enter_context(lines_out(target, force=force, aside=True))
            for target in targets
        ]
        first = targets[0]
        if first is not None and first.is_file() and not is_special(first):
            check_target(first, force=force)
            first.unlink()
