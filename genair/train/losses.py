"""Losses of next-item prediction."""

from typing import Protocol

from torch import Tensor
from torch.nn import functional


class Loss(Protocol):
    """Scores a batch of states against what came next."""

    def __call__(self, states: Tensor, table: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of states (events, dim), item vectors (items + 1, dim), targets (events,)."""


def cross_entropy(states: Tensor, table: Tensor, targets: Tensor) -> Tensor:
    """Return the full softmax cross-entropy over the catalogue; padding is not a candidate."""
    return functional.cross_entropy(states @ table[1:].T, targets - 1)
