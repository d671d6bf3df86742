"""The command line in this process and in others, and the files and models that its tests share."""

import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from genair.catalogue import interactions_path, items_path
from genair_cli.main import main

N_ITEMS = 40


@dataclass(frozen=True)
class Result:
    status: int
    out: bytes
    err: str

    @property
    def rows(self) -> list[dict]:
        return [json.loads(line) for line in self.out.split(b"\n") if line]

    def fails(self, status: int, *words: str) -> None:
        """Assert one line with these words on stderr, the exit code, and no data."""
        assert self.status == status, self.err
        lines = [line for line in self.err.split("\n") if ": error: " in line]
        assert len(lines) == 1, self.err
        assert "Traceback" not in self.err
        for word in words:
            assert word in lines[0]
        assert self.out == b""


Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _own_settings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings file of whoever runs the tests must not change them."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.getbasetemp() / "no-settings"))


@pytest.fixture
def unread(tmp_path: Path) -> Iterator[Path]:
    """Return a FIFO that somebody opens to read, and leaves at once."""
    fifo = tmp_path / "unread"
    os.mkfifo(fifo)
    reader = threading.Thread(target=lambda: fifo.open("rb").close(), daemon=True)
    reader.start()
    yield fifo
    reader.join(timeout=30)


@pytest.fixture
def run(capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command line in this process: run("embed", path, stdin=b"...")."""

    def call(*words: object, stdin: bytes = b"") -> Result:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        capsysbinary.readouterr()
        status = main([str(word) for word in words])
        captured = capsysbinary.readouterr()
        return Result(status, captured.out, captured.err.decode())

    return call


class Command(subprocess.Popen):
    """A command in a process of its own, with pipes for stdin and stderr.

    It takes SIGINT as a foreground job does, even if the tests themselves do not.
    """

    def __init__(self, *words: object, sigint: str = "default_int_handler", **options: object) -> None:
        taken = f"import signal; signal.signal(signal.SIGINT, signal.{sigint})"
        code = f"{taken}; from genair_cli.main import run; run()"
        pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
        super().__init__([sys.executable, "-c", code, *map(str, words)], **{**pipes, **options})

    def feed(self, data: bytes) -> None:
        self.stdin.write(data)
        self.stdin.flush()

    def wait_until(self, condition: Callable[[], object], every_s: float = 0.005) -> None:
        deadline = time.monotonic() + 120
        while not condition():
            assert self.poll() is None, self.communicate()
            assert time.monotonic() < deadline
            time.sleep(every_s)

    def ends(self, status: int, data: bytes | None = None) -> str:
        """Give it the rest of its input, assert how it ends, and return what it said."""
        _, err = self.communicate(data, timeout=120)
        assert self.returncode == status, err.decode()
        assert b"Traceback" not in err
        return err.decode()

    def workers(self) -> list[int]:
        """Return the worker processes."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == self.pid and b"spawn_main" in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except (OSError, ValueError):  # no process, or one that has ended
                continue
        return found


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Command]]:
    """Start a command in the test's folder; what still runs when the test ends is killed."""
    started: list[Command] = []

    def call(*words: object, **options: object) -> Command:
        started.append(Command(*words, cwd=tmp_path, **options))
        return started[-1]

    yield call
    for command in started:
        if command.poll() is None:
            command.kill()
        for pipe in (command.stdin, command.stdout, command.stderr):
            if pipe is not None and not pipe.closed:
                pipe.close()
        command.wait(timeout=60)


@pytest.fixture
def done() -> Callable[[Path], int]:
    """Count the waves of a work in progress that are safe."""

    def count(output: Path) -> int:
        journal = output.with_name(output.name + ".partial") / "journal.jsonl"
        return journal.read_bytes().count(b'"key"') if journal.exists() else 0

    return count


@dataclass(frozen=True)
class Files:
    """One file of every kind, made by the suite itself with the echo backend."""

    items: Path
    log: Path
    archetypes: Path
    vectors: Path
    calibrated: Path
    model: Path


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("files")
    made = Files(
        *(
            folder / name
            for name in ("items.jsonl", "log.jsonl", "arch.jsonl", "emb.h5", "cal.h5", "model.h5")
        )
    )
    lines = items_path().read_bytes().splitlines(keepends=True)[:N_ITEMS]
    made.items.write_bytes(b"".join(lines))
    known = {json.loads(line)["item_id"] for line in lines}
    events = interactions_path().read_bytes().splitlines(keepends=True)
    made.log.write_bytes(b"".join(line for line in events if json.loads(line)["item_id"] in known))
    commands = (
        ("archetype", made.items, "-o", made.archetypes, "--backend", "echo", "--workers", "1"),
        ("embed", made.archetypes, "-o", made.vectors, "--backend", "echo", "--workers", "1"),
        ("calibrate", made.vectors, "-i", made.log, "-o", made.calibrated, "--features", "50", "--dim", "16"),
        ("train", made.calibrated, "-i", made.log, "-o", made.model, "--epochs", "2", "--dim", "16"),
    )
    for command in commands:
        assert main([*map(str, command), "-q"]) == 0
    return made
