"""Long work: unit by unit into NAME.partial, failures aside, finished outputs delivered at the end.

What goes to a file can be killed and resumed; what goes to a pipe is written through as it comes.
"""

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from genair.errors import ReaderClosedError, UsageError
from genair.io.atomic import check_target, install
from genair.io.jsonl import encode_failed
from genair.io.partial import Partial, has_units, open_partial, scratch_partial
from genair.io.special import SpecialFile, is_special
from genair.records import Failed
from genair_cli.console import console
from genair_cli.operands import refuse_twice
from genair_cli.options import STDIN, OnErrorChoice
from genair_cli.status import Status
from genair_cli.streams import Outlet, packing

_ERRORS = "errors"
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Plan:
    """What the command line says of where the work goes and what is to be done about trouble.

    Attributes:
        output: a file, or None or `-` for stdout.
        errors: where skipped records go.
        on_error: whether a record that cannot be used stops the work.
        resume: go on with interrupted work.
        force: replace outputs that exist.
    """

    output: Path | None
    errors: Path | None
    on_error: OnErrorChoice
    resume: bool
    force: bool

    def check(self, *others: Path | None) -> None:
        """Refuse what could only fail at the end.

        Args:
            others: further files that are to be written.

        Raises:
            UsageError: options that contradict each other.
            GenairError: an output exists or cannot be written.
        """
        if self.errors is not None and self.stops:
            raise UsageError("--errors needs --on-error skip")
        if self.resume and self.is_stream():
            raise UsageError("--resume needs -o FILE: what went to a pipe is gone")
        named = [self.output or Path(STDIN), *(one for one in (self.errors, *others) if one is not None)]
        refuse_twice(named)
        if self.output is not None and str(self.output) != STDIN:
            check_target(self.output, force=self.force)
        if self._has_begun():  # what is said of that comes first: these may be of the same work
            return
        for target in (self.errors, *others):
            if target is not None and str(target) != STDIN:
                check_target(target, force=self.force or self.resume)

    @property
    def stops(self) -> bool:
        """Whether a record that cannot be used stops the work."""
        return self.on_error is OnErrorChoice.FAIL

    def _has_begun(self) -> bool:
        return self.output is not None and has_units(self.output)

    def is_stream(self) -> bool:
        """Return whether the output is written through instead of appearing at the end."""
        return self.output is None or str(self.output) == STDIN or is_special(self.output)


class Work:
    """Work in progress."""

    def __init__(self, partial: Partial, plan: Plan) -> None:
        """Count the failures that were there before."""
        self.partial = partial
        self._plan = plan
        self.skipped = 0
        if partial.resumed:
            self.skipped = partial.path(_ERRORS).read_bytes().count(b"\n")

    def skip(self, failed: Failed) -> None:
        """Put a record aside.

        Raises:
            GenairError: its error, if the work is to stop.
        """
        if self._plan.stops:
            raise failed.error
        self.skipped += 1
        self.partial.write(_ERRORS, encode_failed(failed))
        if self._plan.errors is None:
            console.note(f"skipped {failed.error}")

    def deliver(self, path: Path, target: Path | None) -> None:
        """Put a finished file where it belongs.

        Raises:
            GenairError: the target appeared meanwhile.
            ReaderClosedError: whoever read the pipe has gone.
        """
        if target is None or str(target) == STDIN:
            with path.open("rb") as file:
                outlet = Outlet(sys.stdout.buffer)
                while block := file.read(_BLOCK):
                    outlet.write(block)
                outlet.flush()
            return
        allowed = self._plan.force or (self._plan.resume and target != self._plan.output)
        install(_packed(path) if target.suffix == ".gz" else path, target, force=allowed)

    def deliver_errors(self) -> None:
        """Put the skipped records where they belong, if there is a place, and somebody reads them.

        A copy of them: without its own the work could not be gone on with, should what is left to do fail.
        """
        if self._plan.errors is not None:
            copy = self.partial.folder / "errors.copy"
            shutil.copyfile(self.partial.path(_ERRORS), copy)
            with suppress(ReaderClosedError):
                self.deliver(copy, self._plan.errors)

    @property
    def status(self) -> Status:
        """Return what the process should tell."""
        return Status.SOME_FAILED if self.skipped else Status.DONE


@contextmanager
def working(
    plan: Plan,
    settings: Mapping[str, Any],
    streams: Sequence[str],
    *,
    through: str | None = None,
    aside: bool = False,
    units: str = "waves",
) -> Iterator[Work]:
    """Yield work to do, or to go on with.

    Args:
        plan: where the output goes.
        settings: what must not change between the parts of one work.
        streams: names of what grows, unit by unit.
        through: a further stream, which is the output itself: written through if that is no plain file.
        aside: whether there are other outputs, for which the work goes on if whoever reads that one goes.
        units: what notes call the parts that the work is kept in.

    Raises:
        GenairError: see `genair.io.partial.open_partial`.
    """
    with ExitStack() as stack:
        if plan.is_stream():
            outside = {through: _outlet(plan, stack, aside=aside)} if through else {}
            yield Work(stack.enter_context(scratch_partial([_ERRORS, *streams], outside)), plan)
            return
        files = [_ERRORS, *streams, *([through] if through else [])]
        output = cast(Path, plan.output)
        work = Work(
            stack.enter_context(open_partial(output, settings, files, resume=plan.resume, force=plan.force)),
            plan,
        )
        if work.partial.resumed:
            console.note(f"{output}: going on behind {work.partial.resumed} {units} done before")
        try:
            yield work
        except BaseException:
            if work.partial.done:
                console.note(
                    f"{output}.partial keeps {len(work.partial.done)} {units}: --resume goes on with them"
                )
            raise


def _outlet(plan: Plan, stack: ExitStack, *, aside: bool) -> IO[bytes]:
    """Open what is written through."""
    if plan.output is None or str(plan.output) == STDIN:
        stream = cast(IO[bytes], sys.stdout.buffer)
    else:
        stream = stack.enter_context(SpecialFile(plan.output, aside=aside))
        if plan.output.suffix == ".gz":
            stream = stack.enter_context(packing(stream, str(plan.output), aside=aside))
    return cast(IO[bytes], Outlet(stream, plan.output, aside=aside))


def _packed(path: Path) -> Path:
    """Compress a file."""
    packed = path.with_name(path.name + ".gz")
    with (
        path.open("rb") as source,
        packed.open("wb") as raw,
        packing(raw, str(packed)) as sink,
    ):
        shutil.copyfileobj(source, sink)
    return packed
