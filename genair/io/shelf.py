"""TOML files: of this package, known by their names, and of the user's own."""

import tomllib
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from genair.errors import InputError, UsageError


def read_toml(path: Path | Traversable, where: str) -> dict[str, Any]:
    """Return what a file says; `where` is what errors call it.

    Raises:
        InputError: it is not TOML.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:  # of nesting, of numbers with thousands of digits
        raise InputError(f"not TOML ({error})", where=where) from error


class Shelf:
    """A folder of TOML files in this package, each known by its name without the suffix."""

    def __init__(self, kind: str, folder: Traversable, *, takes_paths: bool = False) -> None:
        """Take the folder.

        Args:
            kind: what errors call a file.
            folder: where the files are.
            takes_paths: whether a path names a file of the user's own.
        """
        self._kind, self._folder, self._takes_paths = kind, folder, takes_paths

    def names(self) -> tuple[str, ...]:
        """Return the names of the files in the package."""
        files = (Path(entry.name) for entry in self._folder.iterdir())
        return tuple(sorted(file.stem for file in files if file.suffix == ".toml"))

    def read(self, name: str) -> dict[str, Any]:
        """Return what a file says.

        Raises:
            UsageError: there is none of that name.
            InputError: it is not TOML.
        """
        if name in self.names():
            return read_toml(self._folder / f"{name}.toml", name)
        path = Path(name)
        if self._takes_paths and path.exists() and not path.is_dir():
            return read_toml(path, name)
        known = ", ".join(self.names())
        more = ", or name a TOML file" if self._takes_paths else ""
        raise UsageError(f"unknown {self._kind} {name!r}: choose from {known}{more}")
