"""What stands for an item: a learned row per id, its frozen vector through an adapter, or their sum.

The adapter's output starts at the scale of an id table (standard deviation .02): with the usual
initialisation it swamps the backbone and training stalls (docs/method.md).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from genair.calibrate.adapter import Adapter
from genair.config import TrainConfig

INITIAL_STD = 0.02


class ItemEncoder(nn.Module):
    """The table of item vectors, by the mode in the settings."""

    vectors: Tensor

    def __init__(self, config: TrainConfig, n_items: int, vectors: Tensor | None) -> None:
        """Make the parts that the mode needs.

        Args:
            config: `items` is the mode, `dim` the width.
            n_items: items in the catalogue.
            vectors: frozen vectors (items, z), needed by the modes with text.

        Raises:
            ValueError: the mode needs vectors and there are none, or they are not one per item.
        """
        super().__init__()
        self.ids: nn.Embedding | None = None
        self.adapter: Adapter | None = None
        if "id" in config.items.split("+"):
            self.ids = nn.Embedding(n_items, config.dim)
            nn.init.normal_(self.ids.weight, std=INITIAL_STD)
        if "text" in config.items.split("+"):
            if vectors is None or len(vectors) != n_items:
                raise ValueError("the text modes need one vector per item")
            self.register_buffer("vectors", vectors)
            self.adapter = Adapter(vectors.shape[1], config.dim)
            self.adapter.fit_scale(vectors)
            self.adapter.start_at(vectors, INITIAL_STD)

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
            parts.append(self.adapter(self.vectors if chosen is None else self.vectors[chosen - 1]))
        items = torch.stack(parts).sum(dim=0)
        return torch.cat([items.new_zeros(1, items.shape[1]), items])
