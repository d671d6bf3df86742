"""GenAIR's repulsion as a Gaussian potential: log mean_{i != j} w_ij exp(-2 |e_i - e_j|^2).

Like the paper's loss it repels all pairs, associated ones less (w_ij = exp(-gamma s_ij)), but near items far
more than distant ones, so it spreads items over the whole sphere and cannot collapse.
"""

import torch
from torch import Tensor

from genair.calibrate.objectives.potential import potential
from genair.data.association import Pairs


class WeightedUniformity:
    """The loss."""

    def __init__(self, pairs: Pairs, n_items: int, gamma: float) -> None:
        """Prepare log w_ij for the associated pairs."""
        self._log_weights = pairs.to_csr(n_items) * -gamma

    def __call__(self, unit: Tensor, generator: torch.Generator) -> Tensor:
        """Return the loss of unit vectors (n, d)."""
        return potential(unit, generator, self._log_weights.tocsr())
