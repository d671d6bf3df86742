"""Keys and values of rows that are aligned on the right: columns are cut, padded and joined on the left.

A layer's keys and values have the shape (rows, heads, columns, width). What is left of a row is padding; the
mask hides it. A layer without any shares another's and is passed by.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch.nn.functional import pad

Change = Callable[[torch.Tensor], torch.Tensor]


class Layer(Protocol):
    """One layer's keys and values."""

    keys: torch.Tensor | None
    values: torch.Tensor | None


class Cache(Protocol):
    """Those of all layers."""

    @property
    def layers(self) -> Sequence[Layer]:
        """Return the layers."""


def width_of(cache: Cache) -> int:
    """Return the number of columns."""
    return next(layer.keys.shape[2] for layer in cache.layers if layer.keys is not None)


def align_right(cache: Cache, sizes: Sequence[int]) -> None:
    """Move the first `sizes[row]` columns of each row to its right end."""
    width = width_of(cache)
    left = torch.tensor([width - size for size in sizes])
    source = (torch.arange(width) - left[:, None]).clamp(min=0)  # (rows, columns)
    if bool((left == 0).all()):
        return

    def align(tensor: torch.Tensor) -> torch.Tensor:
        index = source.to(tensor.device)[:, None, :, None]
        return tensor.gather(2, index.expand_as(tensor))

    _change(cache, align)


def append_rows(cache: Cache, before: Cache) -> None:
    """Put the rows of another cache before those of this one."""
    width = max(width_of(cache), width_of(before))
    for layer, other in zip(cache.layers, before.layers, strict=True):
        if layer.keys is None or layer.values is None or other.keys is None or other.values is None:
            continue
        layer.keys = torch.cat([_widened(other.keys, width), _widened(layer.keys, width)])
        layer.values = torch.cat([_widened(other.values, width), _widened(layer.values, width)])


def keep_rows(cache: Cache, rows: torch.Tensor, width: int) -> None:
    """Keep the rows of these indices, and the last `width` columns."""
    first = width_of(cache) - width
    _change(cache, lambda tensor: tensor[:, :, first:].index_select(0, rows))


def _change(cache: Cache, change: Change) -> None:
    for layer in cache.layers:
        if layer.keys is not None and layer.values is not None:
            layer.keys, layer.values = change(layer.keys), change(layer.values)


def _widened(tensor: torch.Tensor, width: int) -> torch.Tensor:
    return pad(tensor, (0, 0, width - tensor.shape[2], 0))
