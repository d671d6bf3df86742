"""Where copies stand: files and folders of one model below `cache/models`, named by its digest.

0123456789abcdef-f16.gguf       a copy
0123456789abcdef-f16.json       whose it is, its size and SHA-256; without it the copy does not count
0123456789abcdef-on-1234.json   what was fastest on one kind of machine, with the figures
0123456789abcdef-hf             a copy for transformers, a folder; with its own .json, as above
0123456789abcdef.lock           held by whoever changes any of these; others wait
0123456789abcdef.partial-5678   what is being made
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from genair.device import processor
from genair.llm.llamacpp.version import llama_cpp_version
from genair.llm.models.cache import cache_folder, read_note, write_note
from genair.llm.models.digests import compute_sha256, folder_sha256, shaping_files
from genair.provenance import digest_of

FOLDER = "hf"  # how a copy for transformers runs


@dataclass(frozen=True)
class Label:
    """What is written beside a copy.

    Attributes:
        model: name of the model.
        model_sha256: hex digest of its own file.
        runs: how the copy holds the weights, e.g. `f16`; `FOLDER` for the one that transformers runs.
        size: bytes of the copy.
        sha256: hex digest of the copy; of a folder, see `genair.llm.models.digests.folder_sha256`.
    """

    model: str
    model_sha256: str
    runs: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Choice:
    """What was fastest on this kind of machine.

    Attributes:
        runs: how the copy holds the weights.
        rates: of each format that was tried, tokens per second of processor time.
    """

    runs: str
    rates: Mapping[str, float]


class Shelf:
    """The copies of one model."""

    def __init__(self, model_sha256: str) -> None:
        """Take the hex digest of the model's own file."""
        self.folder = cache_folder() / "models"
        self._sha256 = model_sha256
        self._stem = model_sha256[:16]

    def path(self, runs: str) -> Path:
        """Return where the copy in one format is, or would be."""
        return _copy_of(self.folder / f"{self._stem}-{runs}.json", runs)

    def label(self, runs: str) -> Label | None:
        """Return what is known of a copy; None if there is none, or not with the size it should have."""
        label = _read_label(self.path(runs).with_suffix(".json"))
        try:
            whole = label is not None and _size(self.path(runs)) == label.size
        except OSError:
            return None
        return label if whole else None

    def choice(self) -> Choice | None:
        """Return what was fastest on this kind of machine; None if that was never tried."""
        note = read_note(self._choice_path())
        try:
            return None if note is None else Choice(str(note["runs"]), dict(note["tokens_per_cpu_second"]))
        except (KeyError, TypeError, ValueError):
            return None

    def keep_choice(self, choice: Choice, model: str) -> None:
        """Remember what is fastest here.

        Raises:
            OSError: the folder cannot be written.
        """
        note = {
            "model": model,
            "model_sha256": self._sha256,
            **_machine(),
            "runs": choice.runs,
            "tokens_per_cpu_second": dict(choice.rates),
        }
        write_note(self._choice_path(), note)

    def install(self, made: Path, runs: str, model: str) -> None:
        """Put a copy on the shelf, in the place of a harmed one.

        Raises:
            OSError: the folder cannot be written.
        """
        for path in _files(made):
            with path.open("rb") as file:
                os.fsync(file.fileno())
        label = Label(model, self._sha256, runs, _size(made), digest_of_copy(made))
        target = self.path(runs)
        target.with_suffix(".json").unlink(missing_ok=True)  # it speaks of what goes now
        if target.is_dir():
            shutil.rmtree(target)
        made.replace(target)
        write_note(target.with_suffix(".json"), asdict(label))

    @contextmanager
    def locked(self) -> Iterator[Path]:
        """Yield an empty folder for what is being made, while every other process waits.

        Raises:
            OSError: the folder cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        prefix = f"{self._stem}.partial-"
        with (self.folder / f"{self._stem}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            for left in self.folder.glob(f"{prefix}*"):  # by a process that was killed
                shutil.rmtree(left, ignore_errors=True)
            with tempfile.TemporaryDirectory(dir=self.folder, prefix=prefix) as scratch:
                yield Path(scratch)

    def clear(self) -> int:
        """Remove the copies and what was learned about them; return how many bytes that frees.

        Raises:
            OSError: they cannot be removed.
        """
        freed = 0
        with self.locked():
            for path in self.folder.glob(f"{self._stem}-*"):
                freed += _size(path)
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()
        return freed

    def _choice_path(self) -> Path:
        return self.folder / f"{self._stem}-on-{digest_of(_machine())[:8]}.json"


def shelves_of(name: str) -> list[Shelf]:
    """Return the shelves of all models that had a name when they were prepared; they may be gone by now."""
    return [
        Shelf(sha256)
        for sha256 in dict.fromkeys(label.model_sha256 for _, label in labels() if label.model == name)
    ]


def labels() -> Iterator[tuple[Path, Label]]:
    """Yield (copy, what is written beside it) of everything that was ever prepared and not removed."""
    for path in sorted((cache_folder() / "models").glob("*.json")):
        label = _read_label(path)
        if label is not None:
            yield _copy_of(path, label.runs), label


def digest_of_copy(copy: Path) -> str:
    """Return the SHA-256 (hex) of a copy, whatever was noted.

    Raises:
        OSError: it cannot be read.
    """
    return folder_sha256(copy, fresh=True) if copy.is_dir() else compute_sha256([copy])


def _copy_of(label: Path, runs: str) -> Path:
    return label.with_suffix("" if runs == FOLDER else ".gguf")


def _files(copy: Path) -> Sequence[Path]:
    return shaping_files(copy) if copy.is_dir() else [copy]


def _size(copy: Path) -> int:
    return sum(file.stat().st_size for file in _files(copy))


def _read_label(path: Path) -> Label | None:
    note = read_note(path)
    with suppress(TypeError):
        return None if note is None else Label(**note)
    return None


def _machine() -> dict[str, str]:
    """Return what decides which format is fastest."""
    return {"processor": processor(), "llama_cpp": llama_cpp_version()}
