"""What can go wrong, by kind. The library raises these; only the command line maps them to exit codes.

Every message is one line that says what is wrong and, where there is one, what to do. `where` names the
place (`items.jsonl:17`), so that the porch can print `genair embed: error: items.jsonl:17: message`.
"""

import reprlib
from collections.abc import Iterator
from contextlib import contextmanager

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80


class GenairError(Exception):
    """An expected failure: the work cannot be done, and the user can know why."""

    def __init__(self, message: str, *, where: str | None = None) -> None:
        """Keep the message and the place it speaks of."""
        super().__init__(message)
        self.message = message
        self.where = where

    def __str__(self) -> str:
        """Return `where: message`, or the message alone."""
        return f"{self.where}: {self.message}" if self.where else self.message

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the way back from a worker process."""
        return (_rebuild, (type(self), self.message, self.where))


@contextmanager
def located(where: str) -> Iterator[None]:
    """Let errors that name no place speak of this one."""
    try:
        yield
    except GenairError as error:
        error.where = error.where or where
        raise


class UsageError(GenairError):
    """The settings contradict each other or lie outside their range."""


class InputError(GenairError):
    """The input breaks its schema."""


class MissingExtraError(GenairError):
    """An optional dependency is not installed, or too old."""

    @classmethod
    def of(cls, package: str, extra: str) -> "MissingExtraError":
        """Say which `pip install` mends the lack of `package`."""
        return cls(f"{package} is not installed: pip install 'genair[{extra}]'")

    @classmethod
    def too_old(cls, package: str, found: str, oldest: str, extra: str) -> "MissingExtraError":
        """Say which version of `package` is there, which is needed, and which `pip install` brings it."""
        return cls(f"{package} {found} is too old, genair needs {oldest}: pip install 'genair[{extra}]'")


class ReaderClosedError(Exception):
    """Whoever read our output has gone. Not an `OSError`, so nobody below the porch reports it."""


def shown(value: object) -> str:
    """Return a value for a message, shortened if it is long."""
    return _SHORT.repr(value)


def _rebuild(kind: type[GenairError], message: str, where: str | None) -> GenairError:
    return kind(message, where=where)
