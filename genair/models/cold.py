"""Items that came after training: a model of text ranks them by their vectors, and nothing is refitted.

The model's own items keep their rows, so an index means the same item as before; new rows come behind them.
Scores of known items stay what they were, up to the rounding of products of another size.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from genair.data.ids import IdMap
from genair.errors import InputError
from genair.io.checkpoints import ModelFile
from genair.io.container import Array
from genair.io.embeddings import EmbeddingTable

_VECTORS = "items.vectors"
_ROUNDING = 1e-4


def extend_catalogue(model: ModelFile, table: EmbeddingTable, *, model_name: str, name: str) -> ModelFile:
    """Return a model that also knows the table's other items, in the table's order behind its own.

    Args:
        model: trained with `--items text`.
        table: vectors of all the model's items, in any order, and of new ones.
        model_name: what errors call the model's file.
        name: what errors call the table's file.

    Raises:
        InputError: the model has rows that no vector makes, the table lacks some of its items, or their
            vectors are others than those it was trained on.
    """
    if model.config["items"] != "text":
        raise InputError(
            f"was trained with --items {model.config['items']}, which has no row for a new item:"
            " train with --items text",
            where=model_name,
        )
    rows = IdMap(table.item_ids, name).rows_for(
        model.item_ids, ": it needs all the model's items, and new ones"
    )
    own = model.weights[_VECTORS]
    if difference := _difference(own, table.vectors[rows], model.item_ids):
        raise InputError(f"was not made of the same vectors as {model_name}: {difference}", where=name)
    new = np.setdiff1d(np.arange(len(table.item_ids)), rows)
    return replace(
        model,
        item_ids=[*model.item_ids, *(table.item_ids[row] for row in new)],
        weights={**model.weights, _VECTORS: np.concatenate([own, table.vectors[new]])},
    )


def _difference(own: Array, found: Array, item_ids: Sequence[str]) -> str:
    """Return in what two sets of vectors (items, z) differ by more than rounding; empty if in nothing."""
    if own.shape != found.shape:
        return f"{found.shape[1]} numbers an item, not {own.shape[1]}"
    far = np.linalg.norm(found - own, axis=1) > _ROUNDING * np.linalg.norm(own, axis=1)
    return f"{far.sum()} differ, the first is that of {item_ids[far.argmax()]!r}" if far.any() else ""
