"""What the tests of `eval` share: a model by time, and readers of what is said."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genair_cli.main import main


@pytest.fixture(scope="session")
def by_time(files: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model of ids, trained by the split by time."""
    model = tmp_path_factory.mktemp("time") / "time.h5"
    words = ("train", "-i", files.log, "--items", "id", "--split", "time", "--epochs", "3", "--dim", "8")
    assert main([*map(str, words), "-o", str(model), "-q"]) == 0
    return model


@pytest.fixture(scope="session")
def value() -> Callable[..., float]:
    """Pick one figure from what `eval` said: value(result, "hr", 5, "tail")."""

    def pick(result: Any, metric: str, k: int, group: str = "all", key: str = "value") -> float:
        assert result.status == 0, result.err
        rows = result.rows
        return next(row[key] for row in rows if (row["metric"], row["k"], row["group"]) == (metric, k, group))

    return pick


@pytest.fixture(scope="session")
def ranks_of() -> Callable[[Path], list[dict]]:
    """Read what `eval --ranks` wrote."""
    return lambda path: [json.loads(line) for line in path.read_bytes().split(b"\n") if line]
