"""What a file is and who made it, without loading vectors; and whether it is whole."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from genair.errors import InputError
from genair.io.container import Container, ids_digest, open_container
from genair.io.jsonl import Row
from genair.provenance import Step, is_calibration

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_MAY_BE_NAN = ("diagnostics/", "training/gradient_ratio")  # where there was nothing to measure
_KINDS = (
    ({"item_id", "archetype"}, "archetypes"),
    ({"user_id", "item_id", "rank"}, "ranks"),
    ({"user_id", "item_id"}, "interactions"),
    ({"user_id", "item_ids"}, "histories"),
    ({"user_id", "items"}, "recommendations"),
    ({"metric", "value"}, "metrics"),
    ({"item_id"}, "items"),
)


def is_container(path: Path) -> bool:
    """Return whether a file begins like HDF5."""
    with path.open("rb") as file:
        return file.read(len(_SIGNATURE)) == _SIGNATURE


def describe_container(path: Path, name: str, *, check: bool) -> dict[str, Any]:
    """Return what a container says of itself.

    Args:
        path: the file.
        name: what errors call it.
        check: read every dataset and make sure of it.

    Raises:
        InputError: not one of genair's files, or, with `check`, damaged.
    """
    with open_container(path, name) as container:
        found: dict[str, Any] = {"file": name, **container.attributes()}
        found["datasets"] = {key: _shape(container, key) for key in container.names()}
        found["diagnostics"] = _diagnostics(container)
        if found["diagnostics"] and (fit := _fit(container.steps)):
            found["diagnostics_of"] = fit.id
        found["association"] = _association(container)
        found["steps"] = [_step(step) for step in container.steps]
        if check:
            for key in container.names():
                check_dataset(container, key)
            check_ids(container)
            check_graph(container)
            found["check"] = "ok"
        return found


class LineSummary:
    """Sums up JSON lines as they pass."""

    def __init__(self) -> None:
        """Start with no line seen."""
        self.rows = 0
        self._keys: dict[str, int] = {}
        self._steps: dict[str, Mapping[str, Any]] = {}

    def add(self, row: Row) -> None:
        """Take one line into account."""
        self.rows += 1
        for key in row:
            self._keys[key] = self._keys.get(key, 0) + 1
        made_by = row.get("_pg")
        if isinstance(made_by, dict):
            self._steps.setdefault(str(made_by.get("id")), made_by)

    def result(self, name: str) -> dict[str, Any]:
        """Return the summary.

        Raises:
            InputError: there was no line.
        """
        if not self.rows:
            raise InputError("the file is empty", where=name)
        always = {key for key, count in self._keys.items() if count == self.rows}
        kind = next((kind for keys, kind in _KINDS if keys <= always), "JSON lines")
        steps = [{"command": kind.removesuffix("s"), **step} for step in self._steps.values()]
        return {"file": name, "format": kind, "rows": self.rows, "fields": self._keys, "steps": steps}


def _shape(container: Container, key: str) -> str:
    dataset = container.dataset(key)
    with container.reading(f"/{key}"):
        kind = "string" if dataset.dtype.kind == "O" else str(dataset.dtype)
    return f"{' x '.join(map(str, dataset.shape)) or 'scalar'} {kind}"


def _diagnostics(container: Container) -> dict[str, dict[str, float | None]]:
    """Return each moment's measures; None where there was nothing to measure on, since JSON has no nan."""
    found: dict[str, dict[str, float | None]] = {}
    for path in container.names("diagnostics") if container.has("diagnostics") else []:
        _, moment, measure = path.split("/")
        value = float(container.read(path))
        found.setdefault(moment, {})[measure] = value if np.isfinite(value) else None
    return found


def check_graph(container: Container) -> None:
    """Make sure that the graph's rows and columns are items.

    Raises:
        InputError: they are not.
    """
    if not container.has("association/indptr"):
        return
    names = ("indptr", "indices", "scores")
    starts, columns, scores = (container.read(f"association/{name}") for name in names)
    items = len(container.dataset("item_ids"))
    whole = len(starts) == items + 1 and starts[0] == 0 and starts[-1] == len(columns) == len(scores)
    if not (whole and (np.diff(starts) >= 0).all() and ((columns >= 0) & (columns < items)).all()):
        raise InputError("is damaged: association is no graph of its items", where=container.name)


def _association(container: Container) -> dict[str, Any]:
    """Return how large and how dense the graph is that the vectors learned from; nothing without one."""
    if not container.has("association/indptr"):
        return {}
    neighbours = np.diff(container.read("association/indptr"))
    found: dict[str, Any] = {
        "pairs": int(neighbours.sum()) // 2,
        "score": _score(container.steps),
        "mean_neighbours": round(float(neighbours.sum()) / max(1, len(neighbours)), 2),
        "items_without": int((neighbours == 0).sum()),
    }
    if container.has("association/dropped"):
        found["dropped"] = int(container.read("association/dropped"))
    return found


def _score(steps: Sequence[Step]) -> str:
    """Return the calibration's kind of score; `log` was the only one before it was recorded."""
    fit = _fit(steps)
    graph = fit.settings.get("graph") if fit else None
    return str(graph.get("score")) if isinstance(graph, Mapping) else "log"


def _fit(steps: Sequence[Step]) -> Step | None:
    """Return the last calibration that learned; `--apply` only put more items behind its own."""
    return next((step for step in reversed(steps) if is_calibration(step)), None)


def _step(step: Step) -> dict[str, Any]:
    return {
        "id": step.id,
        "command": step.command,
        "settings": dict(step.settings),
        "inputs": dict(step.inputs),
        "versions": dict(step.versions),
    }


def check_dataset(container: Container, key: str) -> None:
    """Read a dataset once.

    Raises:
        InputError: a checksum does not match, or a number is not finite.
    """
    if container.dataset(key).dtype.kind == "O":
        container.read_strings(key)
    elif not key.startswith(_MAY_BE_NAN) and not np.isfinite(container.read(key)).all():
        raise InputError(f"/{key} holds numbers that are not finite", where=container.name)


def check_ids(container: Container) -> None:
    """Make sure of the ids.

    Raises:
        InputError: they are not unique or not what was written, or a dataset has not a row for each.
    """
    item_ids = container.read_strings("item_ids")
    if len(set(item_ids)) != len(item_ids):
        raise InputError("item ids are not unique", where=container.name)
    if container.attributes().get("ids_sha256") != ids_digest(item_ids):
        raise InputError("item ids do not match their digest", where=container.name)
    for key in container.names():
        per_item = key == "vectors" or key.startswith("views/")
        if per_item and container.dataset(key).shape[:1] != (len(item_ids),):
            raise InputError(f"the number of vectors in /{key} is not that of the ids", where=container.name)
