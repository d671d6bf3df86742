"""Losses of next-item prediction."""

from typing import Protocol

import torch
from torch import Tensor

CPU_CHUNK_BYTES = 4 << 20  # what a processor's cache holds
GPU_CHUNK_BYTES = 512 << 20
LEAST_EVENTS = 32  # a chunk; with fewer, products of matrices are slow


class Loss(Protocol):
    """Scores a batch of states against what came next."""

    def __call__(self, states: Tensor, table: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of states (events, dim), item vectors (items + 1, dim), targets (events,)."""


def cross_entropy(states: Tensor, table: Tensor, targets: Tensor) -> Tensor:
    """Return the full softmax cross-entropy over the catalogue; padding is not a candidate.

    The gradients are computed with the loss, from one chunk of the logits (events, items) at a time: logits
    are passed over once and never kept.
    """
    items = table[1:]
    loss, to_states, to_items = _loss_and_gradients(states, items, targets - 1)
    carrier = (states * to_states).sum() + (items * to_items).sum()  # its gradient is the loss's
    return loss + (carrier - carrier.detach())


def chunk_events(device: str, n_items: int) -> int:
    """Return how many events' float32 logits over n items are computed together on a kind of device."""
    most = CPU_CHUNK_BYTES if device == "cpu" else GPU_CHUNK_BYTES
    return max(LEAST_EVENTS, most // (4 * n_items))


@torch.no_grad()
def _loss_and_gradients(states: Tensor, items: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the mean of -log softmax(states items^T) at targets (events,), 0-based, and its gradients."""
    count, rows = len(states), chunk_events(states.device.type, len(items))
    to_states, to_items = torch.empty_like(states), torch.zeros_like(items)
    buffer = states.new_empty(min(rows, count), len(items))
    total = states.new_zeros((), dtype=torch.float64)
    for start in range(0, count, rows):
        some, wanted = states[start : start + rows], targets[start : start + rows, None]
        logits = torch.mm(some, items.T, out=buffer[: len(some)])
        logits.sub_(logits.amax(dim=1, keepdim=True))
        found = logits.gather(1, wanted)
        sums = logits.exp_().sum(dim=1, keepdim=True)
        total += (sums.log() - found).sum()
        logits.scatter_add_(1, wanted, -sums)  # now sums times (softmax - 1 at the target)
        to_states[start : start + rows] = (logits @ items) / sums
        to_items.addmm_(logits.T, some / sums)
    return (total / count).to(states.dtype), to_states / count, to_items / count
