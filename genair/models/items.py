"""What stands for an item: a learned row per id, its frozen vector through an adapter, or their sum.

The adapter's output starts at the scale of an id table (standard deviation .02): with the usual
initialisation it swamps the backbone and training stalls (docs/method.md).
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from genair.calibrate.adapter import Adapter
from genair.config import TrainConfig
from genair.embed.reduce import fit_pca

INITIAL_STD = 0.02
_BLOCK = 8192  # rows that are projected together


class ItemEncoder(nn.Module):
    """The table of item vectors, by the mode in the settings."""

    vectors: Tensor

    def __init__(self, config: TrainConfig, n_items: int, vectors: Tensor | None) -> None:
        """Make the parts that the mode needs; `start` before training.

        Args:
            config: `items` is the mode, `dim` the width.
            n_items: items in the catalogue.
            vectors: frozen vectors (items, z), part of the modes with text.

        Raises:
            ValueError: the mode needs vectors and there are none, or they are not one per item.
        """
        super().__init__()
        self.n_items = n_items
        self.ids: nn.Embedding | None = None
        self.adapter: Adapter | None = None
        if config.items != "text":
            self.ids = nn.Embedding(n_items, config.dim)
            nn.init.normal_(self.ids.weight, std=INITIAL_STD)
        if "text" in config.items.split("+"):
            given = _one_each(vectors, n_items)
            self.register_buffer("vectors", given)
            self.adapter = Adapter(given.shape[1], config.dim)

    @torch.no_grad()
    def start(self, vectors: Tensor | None) -> None:
        """Begin training at vectors (items, z): the adapter's output, or the id table itself.

        An id table becomes their principal components, all together with the standard deviation of an id
        table; columns that the vectors have no component for stay random.

        Raises:
            ValueError: they are not one per item.
        """
        given = _one_each(vectors, self.n_items)
        if self.adapter is not None:
            self.adapter.fit_scale(given)
            self.adapter.start_at(given, INITIAL_STD)
        elif self.ids is not None:
            parts = _components(given, self.ids.embedding_dim)
            self.ids.weight[:, : parts.shape[1]] = parts * (INITIAL_STD / parts.std().clamp_min(1e-12))

    def table(self, chosen: Tensor | None = None) -> Tensor:
        """Return item vectors (items + 1, dim); row 0, the padding, is zero.

        Args:
            chosen: item indices (items,), all different; None is the whole catalogue.
        """
        parts = []
        if self.ids is not None:
            ids = self.ids.weight
            parts.append(ids if chosen is None else functional.embedding(chosen - 1, ids))
        if self.adapter is not None:
            vectors = self.vectors if chosen is None else self.vectors.index_select(0, chosen - 1)
            parts.append(self.adapter(vectors))
        items = torch.stack(parts).sum(dim=0)
        return torch.cat([items.new_zeros(1, items.shape[1]), items])


def _components(vectors: Tensor, dim: int) -> Tensor:
    """Return the scores of vectors (items, z) on their first principal components, at most dim of them."""
    rows = vectors.numpy()
    blocks = [rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK)]
    pca = fit_pca(blocks, dim)
    return torch.from_numpy(np.concatenate([pca.project(block) for block in blocks]))


def _one_each(vectors: Tensor | None, n_items: int) -> Tensor:
    if vectors is None or len(vectors) != n_items:
        raise ValueError("the text modes need one vector per item")
    return vectors
