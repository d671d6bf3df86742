"""Exit codes, and the one place where exceptions become them."""

import os
import re
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from enum import IntEnum

import typer

from genair.errors import GenairError, InputError, ReaderClosedError, UsageError
from genair_cli.console import console


class Status(IntEnum):
    """What a process tells its caller; the table is in docs/exit-codes.md."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    BAD_INPUT = 3
    SOME_FAILED = 4
    INTERRUPTED = 130
    TERMINATED = 143


_OUT_OF_MEMORY = re.compile("can't allocate memory|out of memory")  # as torch says it
_BY_KIND: dict[type[GenairError], Status] = {
    UsageError: Status.USAGE,
    InputError: Status.BAD_INPUT,
}


def guarded(work: Callable[[], object], name: str) -> int:
    """Run a command and return its exit code; whatever goes wrong becomes one line on stderr.

    Args:
        work: returns a `Status`, an int or None.
        name: what the line begins with, e.g. `genair embed`.
    """
    try:
        result = work()
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            _forget_stdout()
        return int(result) if isinstance(result, int) else Status.DONE
    except (ReaderClosedError, BrokenPipeError):
        _forget_stdout()
        return Status.DONE
    except (KeyboardInterrupt, typer.Abort):
        return Status.INTERRUPTED
    except (GenairError, typer.TyperException, OSError, MemoryError) as error:
        return _complain(name, *_verdict(error, name))
    except RuntimeError as error:
        if not _OUT_OF_MEMORY.search(str(error)):
            raise
        return _complain(name, *_verdict(MemoryError(), name))


def _verdict(error: Exception, name: str) -> tuple[str, Status]:
    """Return what to say of an error, and the exit code it means."""
    match error:
        case GenairError():
            return str(error), _BY_KIND.get(type(error), Status.FAILED)
        case typer.TyperException():
            status = Status.USAGE if error.exit_code == Status.USAGE else Status.FAILED
            return f"{error.format_message().rstrip('.')}; see {name} --help", status
        case OSError():
            _forget_stdout()
            place = f"{error.filename}: " if error.filename else ""
            return f"{place}{error.strerror or error}", Status.FAILED
        case _:
            return "not enough memory", Status.FAILED


def _complain(name: str, message: str, status: Status) -> int:
    if console.verbosity >= 2:
        traceback.print_exc()
    console.line(f"{name}: error: {message}")
    return status


def _forget_stdout() -> None:
    """Point stdout at nothing, so that Python's last flush cannot fail again."""
    with suppress(OSError, ValueError):  # stdout may be no real file, or closed
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
