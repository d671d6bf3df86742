"""Where vectors come from: what a file stores, read block by block, or a table that was computed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from genair.errors import GenairError, InputError
from genair.export.base import Block, ItemVectors
from genair.io.container import Container
from genair.io.embeddings import check_finite, check_rows
from genair.provenance import Step

_BLOCK_BYTES = 16 << 20


def stored_vectors(container: Container, view: str | None = None) -> ItemVectors:
    """Return the vectors of an embedding file, or the raw states of one view; the file must stay open.

    Raises:
        InputError: the file has no items or lacks the view, ids and rows do not fit; or, as blocks are
            read, a vector is damaged or not finite.
    """
    path = "vectors" if view is None else f"views/{view}"
    if view is not None and not container.has(path):
        raise InputError(
            f"has no view {view!r}: take the file that `genair embed` wrote", where=container.name
        )
    item_ids = container.read_strings("item_ids")
    dataset = container.dataset(path)
    check_rows(container, item_ids, dataset.shape)
    _refuse_none(container.name, item_ids)
    chunk = (dataset.chunks or dataset.shape)[0]  # whole chunks: none is read twice
    rows = max(1, _rows_of(dataset.shape[1]) // chunk) * chunk

    def blocks() -> Iterator[tuple[Sequence[str], Block]]:
        for start in range(0, len(item_ids), rows):
            with container.reading(f"/{path}"):
                block = np.asarray(dataset[start : start + rows], dtype=np.float32)
            ids = item_ids[start : start + rows]
            check_finite(container.name, ids, block)
            yield ids, block

    return ItemVectors(container.name, item_ids, dataset.shape[1], container.steps, blocks())


def computed_vectors(name: str, item_ids: Sequence[str], table: Block, steps: Sequence[Step]) -> ItemVectors:
    """Return vectors (items, dim) that are in memory; `name` is what errors call the file they come from.

    Raises:
        InputError: there are no items.
    """
    _refuse_none(name, item_ids)
    rows = _rows_of(table.shape[1])
    starts = range(0, len(item_ids), rows)
    blocks = ((item_ids[start : start + rows], table[start : start + rows]) for start in starts)
    return ItemVectors(name, item_ids, table.shape[1], steps, blocks)


def normalized(vectors: ItemVectors) -> ItemVectors:
    """Return the same directions at length 1, so that inner products are cosines.

    Raises:
        GenairError: as blocks are read, a vector is zero.
    """

    def blocks() -> Iterator[tuple[Sequence[str], Block]]:
        for ids, block in vectors.blocks:
            lengths = np.linalg.norm(block.astype(np.float64), axis=1, keepdims=True)
            if not lengths.all():
                first = ids[int(lengths.argmin())]
                raise GenairError(
                    f"vector of item {first!r} is zero and has no direction: leave out --normalize",
                    where=vectors.name,
                )
            yield ids, (block / lengths).astype(np.float32)

    return replace(vectors, blocks=blocks())


def watched(vectors: ItemVectors, tell: Callable[[int], None]) -> ItemVectors:
    """Return the same vectors, and tell how many have passed after each block."""

    def blocks() -> Iterator[tuple[Sequence[str], Block]]:
        for ids, block in vectors.blocks:
            yield ids, block
            tell(len(ids))

    return replace(vectors, blocks=blocks())


def _rows_of(dim: int) -> int:
    return max(1, _BLOCK_BYTES // (4 * max(1, dim)))


def _refuse_none(name: str, item_ids: Sequence[str]) -> None:
    if not item_ids:
        raise InputError("holds no items: there is nothing to export", where=name)
