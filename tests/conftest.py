"""Small worlds that the tests of several rooms share."""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt
import pytest

from genair.data.sequences import Sequences

Histories = Sequence[Sequence[int]]

os.environ.setdefault("OMP_NUM_THREADS", "1")  # more spin, and ruin tests beside other work


@pytest.fixture(scope="session")
def toy_sequences() -> Callable[[Histories, int], Sequences]:
    """Build sequences from lists of item indices, one list a user, and the size of the catalogue."""

    def build(histories: Histories, n_items: int) -> Sequences:
        offsets = np.cumsum([0, *map(len, histories)]).astype(np.int64)
        items = np.asarray([item for history in histories for item in history], dtype=np.int64)
        return Sequences([f"u{user}" for user in range(len(histories))], offsets, items, n_items)

    return build


@pytest.fixture(scope="session")
def toy_cycles(toy_sequences: Callable[[Histories, int], Sequences]) -> Callable[..., Sequences]:
    """Build histories that walk round the catalogue (1, 2, ..., n, 1, ...), jumping now and then."""

    def build(users: int, length: int, n_items: int, jumps: float = 0.0, seed: int = 0) -> Sequences:
        rng = np.random.default_rng(seed)
        histories = []
        for _ in range(users):
            item = int(rng.integers(n_items))
            history = []
            for _ in range(length):
                item = int(rng.integers(n_items)) if rng.random() < jumps else (item + 1) % n_items
                history.append(item + 1)
            histories.append(history)
        return toy_sequences(histories, n_items)

    return build


@pytest.fixture(scope="session")
def toy_clusters(
    toy_sequences: Callable[[Histories, int], Sequences],
) -> tuple[npt.NDArray[np.float32], Sequences]:
    """Return 80 item vectors, and sequences whose users stay in one of 4 clusters, faint in the vectors."""
    rng = np.random.default_rng(7)
    cluster = np.arange(80) % 4
    vectors = rng.normal(size=(80, 16)).astype(np.float32)
    vectors[:, :4] += 0.8 * np.eye(4, dtype=np.float32)[cluster]
    histories = [(rng.choice(np.flatnonzero(cluster == user % 4), 6) + 1).tolist() for user in range(80)]
    return vectors, toy_sequences(histories, 80)


@pytest.fixture(scope="session")
def work() -> Iterator[ModuleType]:
    """Import `llm/wave_work.py` under a name that worker processes can import it by, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parent / "llm")
        yield import_module("wave_work")


@pytest.fixture(scope="session")
def example_backbone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Make the backbone of docs/backbones.md importable, and return the folder that it lies in."""
    page = (Path(__file__).parents[1] / "docs" / "backbones.md").read_text("utf-8")
    folder = tmp_path_factory.mktemp("example")
    (folder / "moving_average.py").write_text(page.split("```python\n")[1].split("```")[0], "utf-8")
    entries = page.split("```toml\n")[1].split("```")[0].replace("[project.entry-points.", "[")
    packed = folder / "moving_average-1.0.dist-info"
    packed.mkdir()
    (packed / "METADATA").write_text("Metadata-Version: 2.1\nName: moving-average\nVersion: 1.0\n", "utf-8")
    (packed / "entry_points.txt").write_text(entries.replace('"', ""), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield folder


@pytest.fixture(scope="session")
def no_process_is_left() -> Callable[[], bool]:
    """Return a function that waits for child processes to end, and says whether they did."""

    def wait() -> bool:
        deadline = time.monotonic() + 20
        while multiprocessing.active_children() and time.monotonic() < deadline:
            time.sleep(0.02)
        return not multiprocessing.active_children()

    return wait
