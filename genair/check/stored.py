"""A file of vectors or a model, read for checking: what of it is damaged, and what can still be compared."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from genair.check.findings import Place, Places, Tally
from genair.check.log import Log
from genair.errors import GenairError, InputError
from genair.io import checkpoints, embeddings
from genair.io.container import Container, open_container
from genair.io.inspect import check_dataset, check_graph, check_ids
from genair.provenance import Step

Result = TypeVar("Result")
_RANK = "diagnostics/before/effective_rank"
_KINDS = (embeddings.KIND, checkpoints.KIND)


@dataclass(frozen=True)
class Stored:
    """What is known of a file.

    Attributes:
        name: what findings call it.
        item_ids: outside ids; row i is item_ids[i].
        vectors: float32, shape (items, dim); None in a model, or where they are damaged.
        rank_before: effective rank of what the vectors were calibrated from; None if they were not.
        steps: who made it, oldest first.
        damage: what of it cannot be read, or is not what was written.
        log: the events it should serve, and the items.
        origins: the last step of each file of vectors that is checked.
        limit: how many places of a kind are named.
    """

    name: str
    item_ids: Sequence[str]
    vectors: npt.NDArray[np.float32] | None
    rank_before: float | None
    steps: Sequence[Step]
    damage: Places
    log: Log
    origins: frozenset[str]
    limit: int

    def at(self, rows: npt.NDArray[np.bool_], tell: Callable[[int], str]) -> Places:
        """Return rows as places; `tell` returns what is to be said of one."""
        chosen = np.flatnonzero(rows)
        first = chosen[: self.limit].tolist()
        return Places(len(chosen), [Place(f"{self.name}:/item_ids[{row}]", tell(row)) for row in first])


def last_step(path: Path) -> str | None:
    """Return the id of the step that made a file of vectors; None for any other file."""
    try:
        with open_container(path, str(path), embeddings.KIND) as container:
            return container.steps[-1].id
    except (InputError, IndexError):
        return None


def read_stored(path: Path, name: str, log: Log, origins: frozenset[str], limit: int) -> Stored:
    """Read a file of vectors or a model.

    Args:
        path: the file.
        name: what findings call it.
        log: the events it should serve.
        origins: the last step of each file of vectors that is checked.
        limit: how many places of a kind are named.

    Raises:
        InputError: it cannot be opened, is of another kind, or has no ids that can be read.
    """
    with open_container(path, name) as container:
        if container.kind not in _KINDS:
            raise InputError(f"is a {container.kind} file: give vectors or a model", where=name)
        item_ids = container.read_strings("item_ids")
        if not item_ids:
            raise InputError("holds no items", where=name)
        trial = _Trial(name, limit)
        vectors = None
        if container.kind == embeddings.KIND:
            vectors = trial.of(partial(_vectors, container, item_ids))
        for key in sorted({*container.names()} - {"vectors", "provenance/steps"}):
            trial.of(partial(check_dataset, container, key))
        trial.of(partial(check_ids, container))
        trial.of(partial(check_graph, container))
        steps = trial.of(lambda: container.steps) or []
        if container.kind == checkpoints.KIND and not trial.damage.places.count:
            trial.of(partial(_rebuild, path, name))
        return Stored(
            name,
            item_ids,
            vectors,
            _rank_before(container),
            steps,
            trial.damage.places,
            log,
            origins,
            limit,
        )


class _Trial:
    """Does one thing after the other, and takes note of what was damaged."""

    def __init__(self, name: str, limit: int) -> None:
        self.damage = Tally(limit)
        self._name = name

    def of(self, work: Callable[[], Result]) -> Result | None:
        """Return what work returns, None if it meets damage."""
        try:
            return work()
        except GenairError as error:
            self.damage.add(error.where or self._name, error.message)
            return None


def _rebuild(path: Path, name: str) -> None:
    """Make the recommender of a model file.

    Raises:
        InputError: the file is damaged.
        GenairError: its settings or weights are of no recommender, or of one that is not here.
    """
    from genair.models.base import restore_recommender

    model = checkpoints.read_model(path, name)
    restore_recommender(model.config, model.weights, len(model.item_ids))


def _vectors(container: Container, item_ids: Sequence[str]) -> npt.NDArray[np.float32] | None:
    """Return the vectors; None if they are not as many as the ids, which is found elsewhere.

    Raises:
        InputError: they are missing, damaged or no table.
    """
    vectors = container.read("vectors").astype(np.float32, copy=False)
    if vectors.ndim != 2:
        raise InputError(f"{len(item_ids)} ids but vectors of shape {vectors.shape}", where=container.name)
    return vectors if len(vectors) == len(item_ids) else None


def _rank_before(container: Container) -> float | None:
    try:
        return float(container.read(_RANK)) if container.has(_RANK) else None
    except (InputError, TypeError):  # which is found elsewhere
        return None
