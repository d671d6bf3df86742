"""The embedding file: item ids, their vectors, and the parts that made them.

Datasets: `/item_ids`, `/vectors` (float32, items x dim); optional groups `/views` (raw states per view),
`/reducer` (PCA per view), `/association` (CSR of the behaviour graph), `/adapter` (calibration weights),
`/diagnostics`. Row i of every per-item dataset is item_ids[i].
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genair.errors import InputError
from genair.io.container import Array, Container, create_container, ids_digest, open_container
from genair.provenance import Step

KIND = "genair-embeddings"


@dataclass(frozen=True)
class EmbeddingTable:
    """Vectors beside the ids they belong to.

    Attributes:
        item_ids: outside ids, all different, in row order.
        vectors: float32, shape (items, dim).
        steps: provenance, oldest first.
        extras: further arrays by dataset path, e.g. `adapter/0.weight`.
    """

    item_ids: Sequence[str]
    vectors: npt.NDArray[np.float32]
    steps: Sequence[Step]
    extras: Mapping[str, Array] = field(default_factory=dict)


class EmbeddingWriter:
    """A new embedding file, filled stream by stream; `finish` it before leaving `create_embeddings`."""

    def __init__(self, container: Container) -> None:
        """Wrap a new container."""
        self.container = container

    def append(self, path: str, rows: Array) -> None:
        """Add rows, shape (n, dim), to a dataset of one row per item."""
        self.container.append(path, rows)

    def blocks(self, path: str, rows: int) -> Iterator[Array]:
        """Read back what was appended, at most `rows` rows at a time."""
        if not self.container.has(path):
            return
        dataset = self.container.dataset(path)
        for start in range(0, len(dataset), rows):
            yield np.asarray(dataset[start : start + rows])

    def finish(self, item_ids: Sequence[str], dim: int, steps: Sequence[Step]) -> None:
        """Name the rows and say who made them.

        Raises:
            ValueError: the number of vectors is not that of the ids.
        """
        rows = len(self.container.dataset("vectors"))
        if rows != len(item_ids):
            raise ValueError(f"{rows} vectors for {len(item_ids)} ids")
        self.container.set_attributes(rows=rows, dim=dim, ids_sha256=ids_digest(item_ids))
        self.container.write_strings("item_ids", item_ids)
        self.container.write_steps(steps)


@contextmanager
def create_embeddings(path: Path) -> Iterator[EmbeddingWriter]:
    """Yield the writer of a new embedding file."""
    with create_container(path, KIND) as container:
        yield EmbeddingWriter(container)


def write_table(path: Path, table: EmbeddingTable) -> None:
    """Write an embedding file whose parts are all in memory."""
    with create_embeddings(path) as writer:
        writer.container.write("vectors", table.vectors)
        for name in sorted(table.extras):
            writer.container.write(name, np.asarray(table.extras[name]))
        writer.finish(table.item_ids, table.vectors.shape[1], table.steps)


def read_table(path: Path, name: str, groups: Sequence[str] = ()) -> EmbeddingTable:
    """Read ids, vectors and provenance.

    Args:
        path: the file.
        name: what errors call it.
        groups: further parts to read, as extras, if they are there; all others stay on disk.

    Raises:
        InputError: the file is damaged, of another kind, or holds numbers that are not finite.
    """
    with open_container(path, name, KIND) as container:
        item_ids = container.read_strings("item_ids")
        vectors = container.read("vectors").astype(np.float32, copy=False)
        check_alignment(container, item_ids, vectors)
        found = [part for group in groups if container.has(group) for part in container.names(group)]
        return EmbeddingTable(
            item_ids, vectors, container.steps, {part: container.read(part) for part in found}
        )


def check_alignment(container: Container, item_ids: Sequence[str], vectors: Array) -> None:
    """Make sure that ids and vectors belong together.

    Raises:
        InputError: the counts or the digest of the ids do not fit, or a vector is not finite.
    """
    check_rows(container, item_ids, vectors.shape)
    check_finite(container.name, item_ids, vectors)


def check_rows(container: Container, item_ids: Sequence[str], shape: tuple[int, ...]) -> None:
    """Make sure that there is a vector per id, and that the ids are those that were written.

    Raises:
        InputError: the counts or the digest of the ids do not fit.
    """
    if len(shape) != 2 or shape[0] != len(item_ids) or not shape[1]:
        raise InputError(f"{len(item_ids)} ids but vectors of shape {shape}", where=container.name)
    if container.attributes().get("ids_sha256") != ids_digest(item_ids):
        raise InputError("item ids do not match their digest", where=container.name)


def check_finite(name: str, item_ids: Sequence[str], vectors: Array) -> None:
    """Make sure that vectors are numbers, row i that of item_ids[i]; `name` is what errors call the file.

    Raises:
        InputError: a vector is not finite.
    """
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if bad.size:
        raise InputError(f"vector of item {item_ids[bad[0]]!r} is not finite", where=name)
