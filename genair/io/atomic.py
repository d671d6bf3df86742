"""Files appear whole or not at all: NAME.partial beside the target, synced, then renamed.

The partial file is locked, so a second writer on the same output is refused instead of mixing its bytes in;
one left behind by a killed process is not locked and is simply replaced. Devices and FIFOs cannot be
renamed onto and are written directly, and so are names of open files, like /dev/stdout.
"""

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from genair.errors import GenairError
from genair.io.special import SpecialFile, is_special


def check_target(target: Path, *, force: bool) -> None:
    """Refuse early what `atomic_path` would refuse.

    Raises:
        GenairError: the folder is missing, the target is a folder, or it exists and `force` is not set.
    """
    if target.is_dir():
        raise GenairError("is a folder: name a file", where=str(target))
    if not target.parent.is_dir():
        raise GenairError(f"folder {target.parent} does not exist: create it first", where=str(target))
    if target.is_file() and not force and not is_special(target):
        raise GenairError("exists already: use --force to replace it", where=str(target))


@contextmanager
def atomic_path(target: Path, *, force: bool = False) -> Iterator[Path]:
    """Yield a path to write; on leaving without an error it becomes `target`, else it vanishes.

    Raises:
        GenairError: see `check_target`; or another process is writing the same output.
        OSError: the disk is full, or the folder cannot be written.
    """
    check_target(target, force=force)
    if is_special(target):
        with tempfile.TemporaryDirectory(prefix="genair-") as folder:
            path = Path(folder) / "output"
            yield path
            install(path, target, force=force)
        return
    partial = target.with_name(target.name + ".partial")
    if partial.is_symlink():
        raise GenairError(f"{partial} is a link, and would be written through: remove it", where=str(target))
    if partial.is_dir():
        raise GenairError(f"{partial} holds interrupted work: finish it, or remove it", where=str(target))
    descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    try:
        lock(descriptor, partial, target)
        try:
            os.ftruncate(descriptor, 0)
            yield partial
            install(partial, target, force=force)
        except BaseException:
            with suppress(OSError):
                partial.unlink()
            raise
    finally:
        os.close(descriptor)


@contextmanager
def atomic_pair(target: Path, beside: Path, *, force: bool = False) -> Iterator[tuple[Path, Path]]:
    """Yield two paths to write; on leaving without an error both become files, else both vanish.

    No two renames are one. So the old target goes first and the new one comes last: whatever moment a kill
    picks, a target that is there belongs to what lies beside it.

    Raises:
        GenairError: see `atomic_path`; or the target is a device or FIFO, which has no place beside it.
        OSError: the disk is full, or the folder cannot be written.
    """
    check_target(target, force=force)
    if is_special(target):
        raise GenairError(f"is no plain file, and {beside.name} has to lie beside it", where=str(target))
    with atomic_path(target, force=force) as path, atomic_path(beside, force=force) as other:
        yield path, other
        check_target(target, force=force)
        _sync(path)
        _sync(other)
        target.unlink(missing_ok=True)


def install(path: Path, target: Path, *, force: bool) -> None:
    """Make a finished file the target, durably; into a device or FIFO it is copied.

    Raises:
        GenairError: see `check_target`.
        OSError: the disk is full, or the folder cannot be written.
        ReaderClosedError: whoever read the pipe has gone.
    """
    check_target(target, force=force)
    if is_special(target):
        with path.open("rb") as source, SpecialFile(target) as sink:
            shutil.copyfileobj(source, sink)
        return
    _sync(path)
    try:
        path.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with atomic_path(target, force=force) as here:  # the target lies on another disk
            shutil.copyfile(path, here)
    _sync_folder(target.parent)


def refuse_if_locked(partial: Path, target: Path) -> None:
    """Clear away the file that a killed writer left, unless its writer lives.

    Raises:
        GenairError: another process is writing this output.
    """
    if not partial.is_file():
        return
    with partial.open("rb") as file:
        lock(file.fileno(), partial, target)
        partial.unlink()


def lock(descriptor: int, partial: Path, target: Path) -> None:
    """Lock a partial file for as long as it is open, and make sure that it still is the one opened.

    Another writer may have finished between our open and our lock: what we hold then is its output.

    Raises:
        GenairError: another process is writing this output.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ours = os.path.samestat(os.fstat(descriptor), partial.stat())
    except (BlockingIOError, FileNotFoundError):
        ours = False
    if not ours:
        raise GenairError("another process is writing this output", where=str(target))


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the system lets a folder be synced."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
