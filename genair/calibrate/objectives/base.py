"""What every objective is: a loss of the whole catalogue's unit vectors, made for one graph."""

from typing import Protocol

import torch
from torch import Tensor

from genair.data.association import Pairs


class Objective(Protocol):
    """A loss of unit vectors."""

    def __init__(self, pairs: Pairs, n_items: int, gamma: float) -> None:
        """Prepare the graph of a catalogue of n items.

        Args:
            pairs: the associated pairs, s_ij in (0, 1].
            n_items: items in the catalogue.
            gamma: how fast repulsion fades with association, w_ij = exp(-gamma s_ij).
        """

    def __call__(self, unit: Tensor, generator: torch.Generator) -> Tensor:
        """Return the loss (a scalar) of unit vectors (n, d); what is sampled comes from the generator."""
