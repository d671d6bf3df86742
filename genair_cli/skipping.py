"""`--on-error skip`: records that cannot be used go to --errors, and the exit status says so."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genair.errors import InputError, UsageError
from genair.io.jsonl import OnBad
from genair_cli.console import console
from genair_cli.options import OnErrorChoice
from genair_cli.status import Status
from genair_cli.streams import Sink, rows_out


class Skipped:
    """Counts what was skipped, and keeps it if there is a place to."""

    def __init__(self, sink: Sink | None) -> None:
        """Write to `sink`, or name each record on stderr."""
        self.count = 0
        self._sink = sink

    def take(self, error: InputError, line: object) -> None:
        """Note one record that cannot be used."""
        self.count += 1
        if self._sink is not None:
            self._sink.write({"where": error.where, "error": error.message, "line": line})
        else:
            console.note(f"skipped {error}")

    @property
    def status(self) -> Status:
        """Return what the process should tell."""
        return Status.SOME_FAILED if self.count else Status.DONE


@contextmanager
def skipping(
    choice: OnErrorChoice, errors: Path | None, *, force: bool
) -> Iterator[tuple[Skipped, OnBad | None]]:
    """Yield the count and the callback; there is no callback when the first error is to stop the work.

    Raises:
        UsageError: --errors without --on-error skip.
    """
    if choice is OnErrorChoice.FAIL:
        if errors is not None:
            raise UsageError("--errors needs --on-error skip")
        yield Skipped(None), None
    elif errors is None:
        skipped = Skipped(None)
        yield skipped, skipped.take
    else:
        with rows_out(errors, force=force) as sink:
            skipped = Skipped(sink)
            yield skipped, skipped.take
