"""Which item goes with this one: a softmax over the catalogue (InfoNCE, van den Oord et al., 2018).

For an associated pair (i, j), either way round, j is asked for among many items by exp(cos(i, j) / 0.2).
Pairs weigh as in `genair.calibrate.attraction`: stronger ones more, those of popular items less. Of a large
graph each step draws pairs by these weights, of a large catalogue candidates.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from genair.calibrate.attraction import attraction
from genair.data.association import Pairs

_PAIRS = 1024  # most pairs a step
_CANDIDATES = 16384  # most items that each is told from
_TEMPERATURE = 0.2


class Contrastive:
    """The loss."""

    def __init__(self, pairs: Pairs, n_items: int, gamma: float) -> None:
        """Prepare the weights of pairs."""
        pulls = attraction(pairs, n_items, gamma).tocoo()
        shares = pulls.data
        self._anchors, self._partners = (torch.from_numpy(ends.astype(np.int64)) for ends in pulls.coords)
        self._until = torch.from_numpy(np.cumsum(shares))
        self._shares = torch.from_numpy(shares / max(shares.sum(), 1e-12))
        self._n = n_items

    def __call__(self, unit: Tensor, generator: torch.Generator) -> Tensor:
        """Return the loss of unit vectors (n, d)."""
        chosen, shares = self._draw(generator)
        anchors = self._anchors[chosen]
        candidates, wanted = self._candidates(self._partners[chosen], generator)
        cosines = functional.embedding(anchors, unit) @ functional.embedding(candidates, unit).T
        logits = (cosines / _TEMPERATURE).masked_fill(anchors[:, None] == candidates[None, :], -torch.inf)
        losses = functional.cross_entropy(logits, wanted, reduction="none")
        return (shares.to(losses.dtype) * losses).sum()

    def _draw(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return which pairs count, and how much."""
        if len(self._shares) <= _PAIRS:
            return torch.arange(len(self._shares)), self._shares
        at = torch.rand(_PAIRS, dtype=torch.float64, generator=generator) * self._until[-1]
        chosen = torch.searchsorted(self._until, at, right=True).clamp_max(len(self._until) - 1)
        return chosen, torch.full((_PAIRS,), 1 / _PAIRS)

    def _candidates(self, partners: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return different items, the partners among them, and where each partner stands."""
        if self._n <= _CANDIDATES:
            return torch.arange(self._n), partners
        drawn = torch.randperm(self._n, generator=generator)[: _CANDIDATES - _PAIRS]
        candidates, places = torch.unique(torch.cat([partners, drawn]), return_inverse=True)
        return candidates, places[: len(partners)]
