"""Real signals to real processes: the work stops at once, and the exit code says why."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

STOPS = pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
WAYS = pytest.mark.parametrize("workers", [0, 1, 2])


@pytest.fixture
def begin(start, tmp_path):
    """Start writing archetypes of what comes through stdin, until the output is begun."""

    def call(workers, items="-", **options):
        words = ("archetype", items, "-o", "out.jsonl", "--backend", "echo", "--wave", 4)
        command = start(*words, "--workers", workers, **options)
        command.wait_until((tmp_path / "out.jsonl.partial").exists)
        return command

    return call


@STOPS
@WAYS
def test_a_signal_before_the_first_wave_leaves_nothing(begin, files, tmp_path, sent, status, workers):
    command = begin(workers)
    command.feed(files.items.read_bytes().splitlines(keepends=True)[0])
    journal = tmp_path / "out.jsonl.partial" / "journal.jsonl"
    command.wait_until(lambda: journal.exists() and journal.stat().st_size)
    time.sleep(0.3)
    command.send_signal(sent)
    assert command.ends(status) == ""
    assert list(tmp_path.iterdir()) == []


@STOPS
@WAYS
def test_a_signal_later_keeps_the_work_and_says_how_to_go_on(
    begin, run, files, tmp_path, done, sent, status, workers
):
    out = tmp_path / "out.jsonl"
    command = begin(workers)
    command.feed(b"".join(files.items.read_bytes().splitlines(keepends=True)[:11]))
    command.wait_until(lambda: done(out) == 2)
    command.send_signal(sent)
    assert command.ends(status) == "out.jsonl.partial keeps 2 waves: --resume goes on with them\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl.partial"]
    words = ("archetype", files.items, "--backend", "echo", "--wave", 4, "--workers", 0)
    again = run(*words, "-o", out, "--resume")
    assert again.status == 0, again.err
    assert "going on behind 2 waves done before" in again.err
    assert "32 archetypes" in again.err
    assert out.read_bytes() == run(*words).out
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]


@STOPS
def test_a_pipe_s_reader_keeps_the_whole_waves_it_got(start, files, sent, status):
    words = ("archetype", "-", "--backend", "echo", "--workers", 1, "--wave", 4)
    command = start(*words, stdout=subprocess.PIPE)
    lines = files.items.read_bytes().splitlines(keepends=True)
    command.feed(b"".join(lines[:6]))
    got = [command.stdout.readline() for _ in range(4)]
    command.send_signal(sent)
    rest, err = command.communicate(timeout=60)
    assert command.returncode == status
    assert (rest, err) == (b"", b"")
    assert all(line.endswith(b"}\n") for line in got)


@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.15, 0.3, 0.6])
def test_ctrl_c_while_workers_start_is_no_traceback(begin, files, tmp_path, after_s):
    """On a terminal every process of the group gets the signal, those that are being born as well."""
    command = begin(2, start_new_session=True)
    command.feed(files.items.read_bytes())
    time.sleep(after_s)
    os.killpg(command.pid, signal.SIGINT)
    command.ends(130)
    assert not (tmp_path / "out.jsonl").exists()


@STOPS
def test_a_signal_ends_a_run_that_waits_for_a_fifo(begin, files, tmp_path, done, sent, status):
    fifo = tmp_path / "items.fifo"
    os.mkfifo(fifo)
    holder = os.open(fifo, os.O_RDWR)
    try:
        command = begin(1, fifo)
        os.write(holder, b"".join(files.items.read_bytes().splitlines(keepends=True)[:6]))
        command.wait_until(lambda: done(tmp_path / "out.jsonl") == 1)
        command.send_signal(sent)
        assert "--resume" in command.ends(status)
    finally:
        os.close(holder)


@pytest.mark.parametrize("held", [True, False])
def test_ctrl_c_ends_what_waits_for_a_fifo_of_a_log(start, files, tmp_path, held):
    """Importing polars, which reads logs, lets reads and opens go on behind a signal."""
    fifo = tmp_path / "log.fifo"
    os.mkfifo(fifo)
    holder = os.open(fifo, os.O_RDWR) if held else None
    try:
        command = start("calibrate", files.vectors, "-i", fifo, "-o", tmp_path / "out.h5")
        command.wait_until((tmp_path / "out.h5.partial").exists)
        time.sleep(3)
        command.send_signal(signal.SIGINT)
        assert command.ends(130) == ""
    finally:
        if holder is not None:
            os.close(holder)


def test_a_background_job_that_ignores_ctrl_c_goes_on(begin, files, tmp_path):
    command = begin(1, sigint="SIG_IGN")
    command.feed(files.items.read_bytes())
    for _ in range(3):
        command.send_signal(signal.SIGINT)
        time.sleep(0.2)
    command.ends(0, b"")
    assert (tmp_path / "out.jsonl").is_file()


def test_workers_do_not_outlive_a_killed_parent(begin, files):
    command = begin(2)
    command.feed(files.items.read_bytes())
    command.wait_until(lambda: len(command.workers()) == 2)
    workers = command.workers()
    command.kill()
    command.ends(-signal.SIGKILL)
    deadline = time.monotonic() + 60
    while any(map(is_running, workers)):
        assert time.monotonic() < deadline, "a worker outlives its parent"
        time.sleep(0.05)


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


IN_A_CALLBACK = """
import os, signal, sys, time, weakref
from genair_cli.signals import take_signals

class Thing:
    pass

def callback(_):
    os.kill(os.getpid(), signal.SENT)
    time.sleep(0.1)  # the signal is taken here, where its exception is dropped

signal.signal(signal.SIGINT, signal.default_int_handler)
take_signals()
thing = Thing()
reference = weakref.ref(thing, callback)
del thing
time.sleep(20)
"""


@pytest.mark.parametrize(("sent", "status"), [("SIGTERM", 143), ("SIGINT", -signal.SIGINT)])
def test_a_signal_that_comes_in_a_callback_of_pythons_is_not_lost(sent, status):
    code = IN_A_CALLBACK.replace("SENT", sent)
    done = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, timeout=15, check=False)
    assert done.returncode == status
    assert b"ignored" not in done.stderr


IN_HDF5 = """
import os, signal
import h5py, numpy
from genair.io.disk import Disk
from genair_cli.signals import take_signals

class Eager:
    def __init__(self, raw):
        self.raw, self.sent = raw, False

    def __getattr__(self, name):
        return getattr(self.raw, name)

    def CALLED(self, *given):
        if not self.sent:
            self.sent = True
            os.kill(os.getpid(), signal.SENT)
        return self.raw.CALLED(*given)

signal.signal(signal.SIGINT, signal.default_int_handler)
take_signals()
with open("out.h5", "w+b", buffering=0) as raw:
    eager = Eager(raw)
    with h5py.File(Disk(eager, "x.h5"), "w") as file:
        file["x"] = numpy.zeros(1 << 20)
    assert eager.sent
    signal.pause()
"""


@pytest.mark.parametrize("called", ["write", "seek", "truncate"])
@pytest.mark.parametrize(("sent", "status"), [("SIGTERM", 143), ("SIGINT", -signal.SIGINT)])
def test_a_signal_that_comes_while_hdf5_writes_is_taken_behind_it(tmp_path, called, sent, status):
    code = IN_HDF5.replace("SENT", sent).replace("CALLED", called)
    done = subprocess.run(
        [sys.executable, "-c", code], stderr=subprocess.PIPE, timeout=30, check=False, cwd=tmp_path
    )
    assert done.returncode == status
    assert b"SystemError" not in done.stderr
    assert b"result with an" not in done.stderr
