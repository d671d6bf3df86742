"""What every contestant of peers.py is given and gives back; needs numpy and torch only."""

import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch


@dataclass
class Work:
    """The data, in item indices 1 to n.

    Attributes:
        folder: to work in.
        settings: of the model and its training.
        train: training events, a list of items a user, in time order.
        test: histories to continue, likewise.
        n_items: of the catalogue.
    """

    folder: Path
    settings: dict[str, float]
    train: list[np.ndarray]
    test: list[np.ndarray]
    n_items: int

    @classmethod
    def given(cls) -> "Work":
        """Read the folder that was named, and take the threads that are allowed."""
        folder = Path(sys.argv[1])
        settings = json.loads((folder / "settings.json").read_text())
        torch.set_num_threads(settings["threads"])
        data = np.load(folder / "data.npz")
        parts = [np.split(data[f"{name}_items"], data[f"{name}_offsets"][1:-1]) for name in ("train", "test")]
        return cls(folder, settings, *parts, int(data["n_items"]))

    def log(self, part: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return users, items and times of a part, its events one after the other; a time is its place."""
        users = np.repeat(np.arange(len(part)), [len(history) for history in part])
        return users, np.concatenate(part), np.arange(len(users))


@dataclass
class Stopwatch:
    """Seconds of each epoch, by the clock and by the processor (all threads)."""

    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)

    def start(self) -> None:
        """Begin an epoch."""
        self._begun = time.perf_counter(), time.process_time()

    def stop(self) -> None:
        """End an epoch."""
        self.seconds.append(round(time.perf_counter() - self._begun[0], 2))
        self.cpu_seconds.append(round(time.process_time() - self._begun[1], 2))


def answer(work: Work, watch: Stopwatch, lists: np.ndarray) -> None:
    """Give back each test user's best items (users, k), 0 where there is none, and the seconds."""
    np.save(work.folder / "lists.npy", lists)
    print(json.dumps({"seconds": watch.seconds, "cpu_seconds": watch.cpu_seconds}))
