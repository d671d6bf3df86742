"""The rows of the item table that a step looks at, and no others.

A step on drawn negatives touches some thousands of items whatever the size of the catalogue. What stands
for them is computed, and the step's indices are counted in that smaller table.
"""

import torch
from torch import Tensor

from genair.models.items import ItemEncoder


def touched(items: ItemEncoder, *indices: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Return item vectors (different items + 1, dim), row 0 the padding, and the indices as its rows.

    Args:
        items: what makes the vectors.
        indices: item indices of any shapes; 0 stays 0, and negative ones, which stand for no item, stay too.
    """
    every = torch.cat([index.flatten().clamp_min(0) for index in indices])
    used = torch.unique(torch.cat([every.new_zeros(1), every]))
    rows = [torch.where(index < 0, index, torch.searchsorted(used, index)) for index in indices]
    return items.table(used[1:]), rows
