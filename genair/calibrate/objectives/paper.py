"""GenAIR's loss, exactly and over the whole catalogue in one step, in O(n d + pairs d).

With w_ij = exp(-gamma s_ij) and w_ij = 1 for pairs never seen together,
    L = -1/(n(n-1)) sum_{i != j} w_ij |e_i - e_j|^2
is computed from
    sum_{i != j} w_ij |e_i - e_j|^2 = 2 n sum |e|^2 - 2 |sum e|^2 - sum_{associated} (1 - w_ij) |e_i - e_j|^2.
"""

import numpy as np
import torch
from torch import Tensor

from genair.calibrate.objectives.pairsum import PairSum
from genair.data.association import Pairs


class WeightedRepulsion:
    """The loss. On its own it can collapse the space (see docs/method.md)."""

    def __init__(self, pairs: Pairs, n_items: int, gamma: float) -> None:
        """Prepare 1 - w_ij for the associated pairs."""
        weights = pairs.to_csr(n_items)
        weights.data = -np.expm1(-gamma * weights.data)
        self._attraction = PairSum(weights)
        self._n = n_items

    def __call__(self, unit: Tensor, generator: torch.Generator) -> Tensor:
        """Return the loss of unit vectors (n, d); nothing is sampled."""
        spread = 2 * self._n * unit.pow(2).sum() - 2 * unit.sum(dim=0).pow(2).sum()
        return -(spread - self._attraction(unit)) / (self._n * (self._n - 1))
