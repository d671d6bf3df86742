"""The command line in process, and a small pipeline's files made by it."""

import io
import json
import sys
from collections.abc import Callable
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


Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _own_settings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings file of whoever runs the tests must not change them."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.getbasetemp() / "no-settings"))


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
        ("calibrate", made.vectors, "-i", made.log, "-o", made.calibrated, "--steps", "20", "--dim", "16"),
        ("train", made.calibrated, "-i", made.log, "-o", made.model, "--epochs", "2", "--dim", "16"),
    )
    for command in commands:
        assert main([*map(str, command), "-q"]) == 0
    return made
