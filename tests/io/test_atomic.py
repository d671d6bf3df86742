"""Outputs appear whole or not at all, and two writers never share one."""

import errno
import fcntl
import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from genair.errors import GenairError
from genair.io.atomic import atomic_path, check_target, install, refuse_if_locked
from genair.io.special import is_special

IN_MEMORY = Path("/dev") / "shm"
WRITER = """
import sys
from pathlib import Path
from genair.io.atomic import atomic_path
with atomic_path(Path(sys.argv[1])) as path:
    path.write_bytes(b"half")
    print("writing", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def target(tmp_path):
    return tmp_path / "out.bin"


@pytest.fixture
def writer(target):
    """Another process in the middle of writing the target."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(target)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"writing\n"
        yield process
        process.kill()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def write_half(target, error, **kwargs):
    with atomic_path(target, **kwargs) as path:
        path.write_bytes(b"half")
        raise error


def test_the_file_appears_at_the_end(target):
    with atomic_path(target) as path:
        path.write_bytes(b"whole")
        assert names(target.parent) == ["out.bin.partial"]
    assert target.read_bytes() == b"whole"
    assert names(target.parent) == ["out.bin"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_nothing_appears_when_the_work_fails(target, error):
    with pytest.raises(error):
        write_half(target, error)
    assert names(target.parent) == []


def test_an_existing_file_stays_unless_forced(target):
    target.write_bytes(b"old")
    with pytest.raises(GenairError, match=r"out\.bin: exists already: use --force"), atomic_path(target):
        pytest.fail("the block must not run")
    assert (target.read_bytes(), names(target.parent)) == (b"old", ["out.bin"])


def test_force_replaces_a_file_only_at_the_end(target):
    target.write_bytes(b"old")
    with atomic_path(target, force=True) as path:
        path.write_bytes(b"new")
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"


def test_a_failed_replacement_keeps_the_old_file(target):
    target.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError):
        write_half(target, ZeroDivisionError, force=True)
    assert (target.read_bytes(), names(target.parent)) == (b"old", ["out.bin"])


def test_a_file_that_appeared_meanwhile_is_kept(target):
    def overtaken():
        with atomic_path(target) as path:
            path.write_bytes(b"mine")
            target.write_bytes(b"theirs")

    with pytest.raises(GenairError, match="exists already"):
        overtaken()
    assert (target.read_bytes(), names(target.parent)) == (b"theirs", ["out.bin"])


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_the_mode_follows_the_umask(target, mask):
    before = os.umask(mask)
    try:
        with atomic_path(target) as path:
            path.write_bytes(b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE(target.stat().st_mode) == 0o666 & ~mask


def test_folders_are_refused(tmp_path):
    with pytest.raises(GenairError, match="is a folder: name a file"):
        check_target(tmp_path, force=True)
    with pytest.raises(GenairError, match="does not exist: create it first"):
        check_target(tmp_path / "absent" / "out", force=True)


def test_a_second_writer_is_refused_and_the_first_one_finishes(target, writer):
    with pytest.raises(GenairError, match=r"out\.bin: another process is writing"), atomic_path(target):
        pytest.fail("the block must not run")
    writer.communicate(timeout=30)
    assert (writer.returncode, target.read_bytes()) == (0, b"half")


def test_what_a_killed_writer_left_is_replaced(target, writer):
    writer.send_signal(signal.SIGKILL)
    writer.wait(timeout=30)
    assert names(target.parent) == ["out.bin.partial"]
    with atomic_path(target) as path:
        assert path.read_bytes() == b""
        path.write_bytes(b"new")
    assert (target.read_bytes(), names(target.parent)) == (b"new", ["out.bin"])


def test_a_second_writer_in_the_same_process_is_refused(target):
    with atomic_path(target) as path:
        path.write_bytes(b"mine")
        with pytest.raises(GenairError, match="another process is writing"), atomic_path(target):
            pytest.fail("the block must not run")
    assert target.read_bytes() == b"mine"


def test_a_writer_overtaken_before_its_lock_leaves_the_finished_file_alone(target, monkeypatch):
    """The other one opens, writes and renames between our open and our lock."""
    lock = fcntl.flock

    def overtaken(descriptor, how):
        monkeypatch.setattr(fcntl, "flock", lock)
        with atomic_path(target) as path:
            path.write_bytes(b"theirs")
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", overtaken)
    with pytest.raises(GenairError), atomic_path(target) as path:
        path.write_bytes(b"mine")
    assert target.read_bytes() == b"theirs"


def test_a_fifo_gets_the_content_and_stays_a_fifo(target):
    os.mkfifo(target)
    got = []
    reader = threading.Thread(target=lambda: got.append(target.read_bytes()))
    reader.start()
    with atomic_path(target) as path:
        assert path.parent != target.parent
        path.write_bytes(b"x" * 100_000)
    reader.join(timeout=30)
    assert got == [b"x" * 100_000]
    assert is_special(target)
    assert names(target.parent) == ["out.bin"]


def test_a_full_device_is_an_os_error():
    with pytest.raises(OSError, match="No space left") as caught, atomic_path(Path("/dev/full")) as path:
        path.write_bytes(b"x")
    assert caught.value.errno == errno.ENOSPC
    assert is_special(Path("/dev/full"))


def test_a_name_that_is_free_is_nothing_special(target):
    assert not is_special(target)
    target.write_bytes(b"")
    assert not is_special(target)


def test_interrupted_work_beside_the_target_is_not_thrown_away(target):
    folder = target.with_name("out.bin.partial")
    folder.mkdir()
    with pytest.raises(GenairError, match=r"out\.bin\.partial holds interrupted work"), atomic_path(target):
        pytest.fail("the block must not run")
    assert folder.is_dir()


@pytest.fixture
def made(tmp_path):
    path = tmp_path / "work" / "made"
    path.parent.mkdir()
    path.write_bytes(b"made")
    return path


def test_a_finished_file_is_moved_into_its_place(target, made):
    install(made, target, force=False)
    assert target.read_bytes() == b"made"
    assert not made.exists()


def test_what_is_there_already_is_replaced_only_by_force(target, made):
    target.write_bytes(b"old")
    with pytest.raises(GenairError, match="exists already"):
        install(made, target, force=False)
    assert (target.read_bytes(), made.read_bytes()) == (b"old", b"made")
    install(made, target, force=True)
    assert target.read_bytes() == b"made"


@pytest.mark.skipif(not IN_MEMORY.is_dir(), reason="no second disk")
def test_a_finished_file_crosses_from_one_disk_to_another(tmp_path, made):
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        target = Path(folder) / "out.bin"
        assert target.parent.stat().st_dev != made.stat().st_dev
        install(made, target, force=False)
        assert target.read_bytes() == b"made"
        assert names(target.parent) == ["out.bin"]


def test_a_finished_file_is_copied_into_a_fifo(target, made):
    os.mkfifo(target)
    got = []
    reader = threading.Thread(target=lambda: got.append(target.read_bytes()))
    reader.start()
    install(made, target, force=False)
    reader.join(timeout=30)
    assert got == [b"made"]
    assert is_special(target)


def test_the_file_of_a_killed_writer_is_cleared_away(target):
    partial = target.with_name("out.bin.partial")
    refuse_if_locked(partial, target)
    partial.write_bytes(b"half")
    refuse_if_locked(partial, target)
    assert names(target.parent) == []


def test_the_file_of_a_living_writer_is_not(target, writer):
    with pytest.raises(GenairError, match="another process is writing"):
        refuse_if_locked(target.with_name("out.bin.partial"), target)
    writer.communicate(timeout=30)
    assert target.read_bytes() == b"half"


def test_a_link_in_the_place_of_the_work_is_not_written_through(tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (tmp_path / "out.partial").symlink_to(precious)
    link = pytest.raises(GenairError, match="is a link, and would be written through")
    with link, atomic_path(tmp_path / "out"):
        pass
    assert precious.read_text() == "mine"
