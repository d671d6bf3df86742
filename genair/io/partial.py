"""Work that can be killed at any moment and gone on with: NAME.partial is a folder that grows unit by unit.

It holds the streams of the output (plain bytes, only ever appended to) and `journal.jsonl`: a head with the
settings, then a line for each unit that is whole, with its key and, for each stream, its length after the
unit and the SHA-256 of all of it, so that what a power cut left half written is found too. Whatever lies
behind the last whole unit is cut off when work goes on. The journal is locked: a second writer is refused.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import orjson

from genair.errors import GenairError, UsageError
from genair.io.atomic import lock, refuse_if_locked

_JOURNAL = "journal.jsonl"
_BLOCK = 1 << 20


class Stream:
    """One growing output: a file of the work's folder, or a stream from outside that is written through."""

    def __init__(self, file: IO[bytes]) -> None:
        """Append to `file`, which is empty, or holds what `goes_on_to` is to check."""
        self.file = file
        self.size = 0
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Return the hex digest of all of it."""
        return self._digest.copy().hexdigest()

    def write(self, data: bytes) -> None:
        """Append."""
        self.file.write(data)
        self.size += len(data)
        self._digest.update(data)

    def read_to(self, size: int) -> bool:
        """Take in what the file holds up to `size` bytes; return whether it holds so many."""
        while self.size < size and (data := self.file.read(min(size - self.size, _BLOCK))):
            self.size += len(data)
            self._digest.update(data)
        return self.size == size

    def back_to(self, size: int, digest: "hashlib._Hash") -> None:
        """Forget what lies behind a border that `read_to` came by."""
        self.size, self._digest = size, digest

    def border(self) -> tuple[int, "hashlib._Hash"]:
        """Return what `back_to` needs to come back here."""
        return self.size, self._digest.copy()

    def cut(self) -> None:
        """Cut the file off here."""
        self.file.seek(self.size)
        self.file.truncate()


@dataclass(frozen=True)
class _Entry:
    """A line of the journal, and where it ends."""

    values: Mapping[str, Any]
    end: int


class Partial:
    """The work so far.

    Attributes:
        folder: where it lies; there is room for other files until the work is done.
        done: keys of the units that are whole, in order.
        resumed: how many of them were there before.
    """

    def __init__(self, folder: Path, journal: IO[bytes], streams: Mapping[str, Stream]) -> None:
        """Take a folder, its open journal and the streams; use `open_partial`."""
        self.folder = folder
        self.done: list[str] = []
        self.resumed = 0
        self._journal, self._streams = journal, streams

    def write(self, stream: str, data: bytes) -> None:
        """Append to a stream; it counts from the next `commit` on."""
        self._streams[stream].write(data)

    def commit(self, key: str) -> None:
        """Declare the unit whole."""
        for stream in self._streams.values():
            stream.file.flush()
        ends = {name: [stream.size, stream.sha256] for name, stream in self._streams.items()}
        self._log({"key": key, "streams": ends})
        self.done.append(key)

    def give_up(self) -> None:
        """Leave nothing to go on with: what is there can never become an output."""
        self.done.clear()

    def sha256(self, stream: str) -> str:
        """Return the hex digest of a stream's content."""
        return self._streams[stream].sha256

    def path(self, stream: str) -> Path:
        """Return the file of a stream that will not be written any more."""
        self._streams[stream].file.flush()
        return self.folder / stream

    def start(self, settings: Mapping[str, Any]) -> None:
        """Forget what is there, if anything, and begin."""
        self._journal.truncate(0)
        for stream in self._streams.values():
            stream.cut()
        self._log({"settings": settings})

    def recover(self, head: _Entry, units: Sequence[_Entry]) -> None:
        """Go on behind the last of the journal's units that is whole."""
        end = head.end
        borders = {name: stream.border() for name, stream in self._streams.items()}
        for unit in units:
            if not all(self._reaches(name, unit) for name in self._streams):
                break
            borders = {name: stream.border() for name, stream in self._streams.items()}
            self.done.append(unit.values["key"])
            end = unit.end
        for name, stream in self._streams.items():
            stream.back_to(*borders[name])
            stream.cut()
        self._journal.truncate(end)
        self.resumed = len(self.done)

    def _reaches(self, name: str, unit: _Entry) -> bool:
        stream = self._streams[name]
        size, sha256 = unit.values.get("streams", {}).get(name, (None, None))
        return type(size) is int and stream.read_to(size) and stream.sha256 == sha256

    def _log(self, line: Mapping[str, Any]) -> None:
        self._journal.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        self._journal.flush()


def partial_of(target: Path) -> Path:
    """Return the folder of work on an output."""
    return target.with_name(target.name + ".partial")


def has_units(target: Path) -> bool:
    """Return whether there is interrupted work on an output, of which any unit is whole."""
    journal = partial_of(target) / _JOURNAL
    if not journal.is_file():
        return False
    with journal.open("rb") as file:
        return len(_read_journal(file)) > 1


@contextmanager
def open_partial(
    target: Path, settings: Mapping[str, Any], streams: Sequence[str], *, resume: bool, force: bool
) -> Iterator[Partial]:
    """Yield work to do or to go on with; move its files away with `install` before the block ends.

    The folder is removed when the block ends without an error, and otherwise kept if any unit is whole.

    Args:
        target: the output that is worked on.
        settings: JSON; what must not change between the parts of one work.
        streams: names of the streams.
        resume: go on with what is there, if anything is.
        force: throw away what is there, unless it is to be resumed.

    Raises:
        GenairError: another process works on it, there is work to go on with and neither was asked for, or
            the folder is somebody else's.
        UsageError: what is there was made with other settings.
        OSError: the disk is full, or the folder cannot be written.
    """
    folder = partial_of(target)
    refuse_if_locked(folder, target)
    folder.mkdir(exist_ok=True)
    if any(folder.iterdir()) and not (folder / _JOURNAL).is_file():
        raise GenairError(f"{folder} is in the way, and not interrupted work: move it", where=str(target))
    with ExitStack() as stack:
        journal = stack.enter_context((folder / _JOURNAL).open("a+b"))
        lock(journal.fileno(), folder / _JOURNAL, target)
        entries = _read_journal(journal)
        if len(entries) > 1 and not (resume or force):
            raise GenairError(
                f"{folder} holds interrupted work: --resume goes on with it, --force starts again",
                where=str(target),
            )
        partial = Partial(folder, journal, _open_streams(stack, folder, streams))
        if resume and len(entries) > 1:
            _check_settings(entries[0].values["settings"], settings, folder)
            partial.recover(entries[0], entries[1:])
        else:
            partial.start(settings)
        try:
            yield partial
        except BaseException:
            if not partial.done:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def scratch_partial(streams: Sequence[str], outside: Mapping[str, IO[bytes]]) -> Iterator[Partial]:
    """Yield work in a temporary folder, for outputs that cannot be resumed.

    Args:
        streams: names of the streams that are files.
        outside: streams that are written through.
    """
    with tempfile.TemporaryDirectory(prefix="genair-") as name, ExitStack() as stack:
        folder = Path(name)
        journal = stack.enter_context((folder / _JOURNAL).open("a+b"))
        through = {key: Stream(file) for key, file in outside.items()}
        yield Partial(folder, journal, {**_open_streams(stack, folder, streams), **through})


def _open_streams(stack: ExitStack, folder: Path, names: Sequence[str]) -> dict[str, Stream]:
    opened = {}
    for name in names:
        path = folder / name
        path.touch()
        opened[name] = Stream(stack.enter_context(path.open("r+b")))
    return opened


def _read_journal(journal: IO[bytes]) -> list[_Entry]:
    """Return the head and the units up to the first line that is torn."""
    journal.seek(0)
    entries: list[_Entry] = []
    end = 0
    for line in journal:
        end += len(line)
        try:
            values = orjson.loads(line)
            fine = line.endswith(b"\n") and ("key" if entries else "settings") in values
        except (orjson.JSONDecodeError, TypeError):
            break
        if not fine:
            break
        entries.append(_Entry(values, end))
    return entries


def _check_settings(before: Mapping[str, Any], now: Mapping[str, Any], folder: Path) -> None:
    old, new = _flat(orjson.loads(orjson.dumps(before))), _flat(orjson.loads(orjson.dumps(now)))
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            raise UsageError(
                f"cannot go on with {folder}: it was made with {name} {old.get(name)!r}, now it is"
                f" {new.get(name)!r}: use the same settings, or --force without --resume to start again"
            )


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat.update(_flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value})
    return flat
