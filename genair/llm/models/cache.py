"""Where genair keeps what it can make again: fast copies, and notes of what takes long to find out."""

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from genair.provenance import digest_of


def cache_folder() -> Path:
    """Return where prepared models live: $GENAIR_CACHE, else genair in the user's cache folder."""
    if own := os.environ.get("GENAIR_CACHE"):
        return at_home(own)
    return user_cache() / "genair"


def at_home(name: str | Path) -> Path:
    """Return a path with `~` as the home that it stands for; as it is, where there is no such home."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def user_cache() -> Path:
    """Return the user's cache folder; without a home it is one of the system's for what is temporary."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    except RuntimeError:
        return Path(tempfile.gettempdir())


def state_of(files: Sequence[Path]) -> list[list[str | int]]:
    """Return what changes when files do: path, size and time of change of each.

    Raises:
        OSError: one is missing.
    """
    found = [(path.resolve(), path.stat()) for path in files]
    return [[str(path), stat.st_size, stat.st_mtime_ns] for path, stat in found]


def recall(kind: str, about: object) -> Mapping[str, Any] | None:
    """Return the note of one kind that was made about a JSON value; None if there is none to be read."""
    return read_note(_place(kind, about))


def remember(kind: str, about: object, note: Mapping[str, Any]) -> None:
    """Make a note, if the cache can be written: notes only save time."""
    with suppress(OSError):
        write_note(_place(kind, about), note)


def read_note(path: Path) -> Mapping[str, Any] | None:
    """Return a file's JSON object; None if there is none to be read."""
    try:
        note = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return note if isinstance(note, dict) else None


def write_note(path: Path, note: Mapping[str, Any]) -> None:
    """Write a JSON object whole, in the place of the one before.

    Raises:
        OSError: the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".note-") as folder:
        whole = Path(folder) / path.name
        whole.write_text(json.dumps(note, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        whole.replace(path)


def _place(kind: str, about: object) -> Path:
    return cache_folder() / "notes" / f"{kind}-{digest_of(ascii(about))[:32]}.json"
