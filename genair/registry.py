"""A list by the door of each room with interchangeable furniture.

Entries are `module:attribute` strings, imported on first use: the command line can list the names without
importing torch, and adding a part takes one file and one line.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Generic, TypeVar, cast

from genair.errors import UsageError

T = TypeVar("T")


class Registry(Generic[T]):
    """Names to parts of one kind."""

    def __init__(self, kind: str, entries: Mapping[str, str]) -> None:
        """Take the kind's name, for messages, and `{name: "module:attribute"}`."""
        self.kind = kind
        self._entries = dict(entries)

    def names(self) -> tuple[str, ...]:
        """Return the known names in the order they were listed."""
        return tuple(self._entries)

    def check(self, name: str) -> None:
        """Refuse a name early, without importing anything.

        Raises:
            UsageError: no part has that name.
        """
        if name not in self._entries:
            known = ", ".join(self._entries)
            raise UsageError(f"unknown {self.kind} {name!r}: choose from {known}")

    def get(self, name: str) -> T:
        """Import and return the part called `name`.

        Raises:
            UsageError: no part has that name.
        """
        self.check(name)
        module, _, attribute = self._entries[name].partition(":")
        return cast(T, getattr(import_module(module), attribute))
