"""What a person sees, all of it on stderr: notes, warnings, progress; tables of viewers on stdout.

Progress is drawn on a terminal only; in a log it is one plain line a minute with rate and time left.
"""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol


class Tick(Protocol):
    """Called after each piece of work, with a few words on how it went."""

    def __call__(self, words: str, count: int = 1) -> None:
        """Count so many units."""


_LOG_EVERY_S = 60.0


class Console:
    """The state of the porch: how much to say, and in colour or not."""

    def __init__(self) -> None:
        """Start with the defaults; `configure` sets what the command line says."""
        self.verbosity = 0
        self.quiet = False
        self.color = True

    def configure(self, *, quiet: bool = False, verbose: int = 0, no_color: bool = False) -> None:
        """Take the shared options of a command."""
        self.quiet, self.verbosity = quiet, verbose
        self.color = not no_color and "NO_COLOR" not in os.environ

    def line(self, text: str) -> None:
        """Print one line, whatever the settings."""
        if sys.stderr is None:  # closed by whoever started us
            return
        with suppress(OSError, ValueError):  # nobody listens; the exit code still tells
            sys.stderr.write(" ".join(text.splitlines()) + "\n")
            sys.stderr.flush()

    def note(self, text: str) -> None:
        """Print a line unless told to be quiet."""
        if not self.quiet:
            self.line(text)

    def notes_of(self, name: str) -> Callable[[str], None]:
        """Return what prints notes that begin with a command's name; the library is given it to tell news."""
        return lambda text: self.note(f"{name}: {text}")

    def detail(self, text: str) -> None:
        """Print a line only with -v."""
        if self.verbosity:
            self.note(text)

    def is_live(self) -> bool:
        """Return whether something may be drawn and redrawn on stderr."""
        return (
            sys.stderr is not None
            and sys.stderr.isatty()
            and not self.quiet
            and os.environ.get("TERM") != "dumb"
        )

    @contextmanager
    def counting(self, label: str, total: int | None = None, done: int = 0) -> Iterator[Tick]:
        """Yield what is to be called after each piece of work.

        Args:
            label: what is counted.
            total: how many there are, if it is known.
            done: how many were done before.
        """
        if not self.is_live():
            yield self._logger(label, total, done)
            return
        from rich.console import Console as RichConsole
        from rich.markup import escape
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        screen = RichConsole(stderr=True, no_color=not self.color)
        with Progress(*columns, console=screen, transient=True) as bar:
            task = bar.add_task(label, total=total, completed=done)

            def tick(words: str, count: int = 1) -> None:
                bar.update(task, advance=count, description=escape(f"{label} {words}".strip()))

            yield tick

    def _logger(self, label: str, total: int | None, done: int) -> Tick:
        """Return a tick that prints a plain line a minute."""
        start = said = time.monotonic()
        fresh = 0

        def tick(words: str, count: int = 1) -> None:
            nonlocal fresh, said
            fresh += count
            now = time.monotonic()
            if now - said >= _LOG_EVERY_S:
                said, rate = now, fresh / (now - start)
                left = f", {max(0, total - done - fresh) / rate:.0f} s left" if total and rate else ""
                of = f" of {total}" if total else ""
                self.note(f"{label}: {done + fresh}{of} done, {rate:.2f} a second{left} {words}".rstrip())

        return tick

    def table(
        self, headings: Sequence[str], rows: Iterable[Sequence[str]], *, left: int = 1, stderr: bool = False
    ) -> None:
        """Print a table; the first `left` columns are aligned left, the others right."""
        from rich.console import Console as RichConsole
        from rich.table import Table
        from rich.text import Text

        grid = Table(box=None, pad_edge=False, header_style="bold")
        for index, heading in enumerate(headings):
            grid.add_column(heading, justify="left" if index < left else "right", overflow="fold")
        for row in rows:
            grid.add_row(*(Text(cell) for cell in row))
        RichConsole(stderr=stderr, no_color=not self.color, highlight=False).print(grid)


console = Console()
