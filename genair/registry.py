"""A list by the door of each room with interchangeable furniture.

Entries are `module:attribute` strings, imported on first use: the command line can list the names without
importing torch, and adding a part takes one file and one line. A room that has an entry-point group also
takes parts from outside: installed ones by name, and any by its own `module:attribute`.
"""

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Generic, TypeVar, cast

from genair.errors import UsageError

T = TypeVar("T")


class Registry(Generic[T]):
    """Names to parts of one kind."""

    def __init__(self, kind: str, entries: Mapping[str, str], group: str | None = None) -> None:
        """Take the list.

        Args:
            kind: what errors call a part.
            entries: `{name: "module:attribute"}`.
            group: entry points of outside parts; None: there are none.
        """
        self.kind = kind
        self._entries = dict(entries)
        self._group = group

    def names(self) -> tuple[str, ...]:
        """Return the names of our own parts in the order they were listed."""
        return tuple(self._entries)

    def check(self, name: str) -> None:
        """Refuse a name early, without importing anything.

        Raises:
            UsageError: no part has that name.
        """
        self._place(name)

    def get(self, name: str) -> T:
        """Import and return the part called `name`.

        Raises:
            UsageError: no part has that name, or one from outside cannot be imported.
        """
        module, _, attribute = self._place(name).partition(":")
        try:
            return cast(T, getattr(import_module(module), attribute))
        except (ImportError, AttributeError, SyntaxError, TypeError, ValueError) as error:
            if name in self._entries:
                raise
            raise UsageError(f"{self.kind} {name!r} cannot be imported: {error}") from error

    def _place(self, name: str) -> str:
        """Return the `module:attribute` of a part, without importing it."""
        if name in self._entries:
            return self._entries[name]
        known = ", ".join(self._entries)
        if self._group is None:
            raise UsageError(f"unknown {self.kind} {name!r}: choose from {known}")
        if ":" in name:
            return name
        installed = {part.name: part.value for part in entry_points(group=self._group)}
        if name not in installed:
            known = ", ".join([known, *sorted(installed)])
            raise UsageError(f"unknown {self.kind} {name!r}: choose from {known}, or give module:attribute")
        return installed[name]
