"""Associated items near each other, all items spread evenly (after Wang & Isola, ICML 2020)."""

import torch
from torch import Tensor

from genair.calibrate.attraction import attraction
from genair.calibrate.objectives.pairsum import PairSum
from genair.calibrate.objectives.potential import potential
from genair.data.association import Pairs

_UNIFORMITY = 0.5  # its weight against alignment; at 1 nothing aligns, at 1/4 all vectors point one way


class AlignmentUniformity:
    """Alignment plus one half of uniformity.

    Alignment is the mean |e_i - e_j|^2 of associated pairs, each weighed by its
    `genair.calibrate.attraction.attraction`; uniformity is the Gaussian potential of all items.
    """

    def __init__(self, pairs: Pairs, n_items: int, gamma: float) -> None:
        """Prepare the normalised weights."""
        self._attraction = PairSum(attraction(pairs, n_items, gamma))

    def __call__(self, unit: Tensor, generator: torch.Generator) -> Tensor:
        """Return the loss of unit vectors (n, d)."""
        alignment = self._attraction(unit) / max(self._attraction.total, 1e-12)
        return alignment + _UNIFORMITY * potential(unit, generator)
