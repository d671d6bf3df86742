"""Defaults from TOML files: flag > --config FILE > $XDG_CONFIG_HOME/genair/config.toml > built-in.

A table a command, an option a key: `[train]`, `max-length = 100`. A key no command has is an error, since a
setting that changes nothing misleads.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from genair.errors import InputError
from genair.io.shelf import read_toml
from genair_cli.streams import check_readable

Defaults = dict[str, dict[str, Any]]
Options = Mapping[str, Mapping[str, bool]]


def apply_settings(context: typer.Context, named: Path | None) -> None:
    """Make the files' values the defaults of the commands below `context`.

    Raises:
        GenairError: the named file is missing.
        InputError: a file is not TOML, or has a key that no command has.
    """
    if named is not None:
        check_readable(named)
    known = _options(context)
    merged: Defaults = {}
    for path in (_user_file(), named):
        if path is not None and path.exists():
            for command, values in _read(path, known).items():
                merged.setdefault(command, {}).update(values)
    context.default_map = merged


def _user_file() -> Path | None:
    base = os.environ.get("XDG_CONFIG_HOME") or Path("~/.config")
    try:
        return Path(base).expanduser() / "genair" / "config.toml"
    except RuntimeError:  # nobody's home: a user id without an entry
        return None


def _options(context: typer.Context) -> Options:
    """Return the options of each command, and whether they are true or false."""
    commands: Mapping[str, Any] = getattr(context.command, "commands", {})
    return {
        name: {str(option.name): bool(getattr(option, "is_flag", False)) for option in command.params}
        for name, command in commands.items()
    }


def _read(path: Path, known: Options) -> Defaults:
    found: Defaults = {}
    for command, values in read_toml(path, str(path)).items():
        if command not in known or not isinstance(values, dict):
            raise InputError(f"[{command}] is not a command: use one of {', '.join(known)}", where=str(path))
        found[command] = {key.replace("-", "_"): value for key, value in values.items()}
        if len(found[command]) < len(values):
            raise InputError(f"[{command}] says an option twice, with - and with _", where=str(path))
        for name, value in found[command].items():
            if name not in known[command]:
                raise InputError(f"genair {command} has no option {name!r}", where=str(path))
            if isinstance(value, bool) and not known[command][name]:
                raise InputError(f"{name} of genair {command} is not true or false", where=str(path))
    return found
