"""What a step minimises; here the full softmax, in `sampled.py` the losses that draw negatives."""

import math
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from genair.config import TrainConfig
from genair.data.sequences import Sequences
from genair.train.samplers import Negatives

CPU_CHUNK_BYTES = 4 << 20  # what a processor's cache holds
GPU_CHUNK_BYTES = 512 << 20
LEAST_EVENTS = 32  # a chunk; with fewer, products of matrices are slow
MOST_BYTES = 512 << 20  # a chunk, even if fewer events go into it; one event's logits always do


class Loss:
    """Scores states against what came, and draws whatever else it scores them against.

    Attributes:
        whole: whether it looks at every item of the catalogue.
        uses: those of the settings `sampler`, `negatives` and `gbce_t` that change it.
        generator: everything random, which is all that changes from step to step; None if nothing is drawn.
    """

    whole: ClassVar[bool] = False
    uses: ClassVar[frozenset[str]] = frozenset()
    generator: torch.Generator | None = None

    def __init__(self, train: Sequences, config: TrainConfig) -> None:
        """Take the training events and the stage's settings."""

    def draw(self, events: int) -> Negatives:
        """Return what the targets of a step, so many events, are compared with."""
        raise TypeError(f"{type(self).__name__} lacks draw")

    def __call__(self, states: Tensor, table: Tensor, targets: Tensor, negatives: Negatives) -> Tensor:
        """Return the mean loss over events, a scalar.

        Args:
            states: (events, dim).
            table: item vectors (items + 1, dim), row 0 the padding.
            targets: rows of the table, (events,).
            negatives: what `draw` returned, its items as rows of the table.
        """
        raise TypeError(f"{type(self).__name__} lacks __call__")


class CrossEntropy(Loss):
    """The full softmax over the catalogue; in bf16 its products are, and nothing else."""

    whole: ClassVar[bool] = True

    def __init__(self, train: Sequences, config: TrainConfig) -> None:
        """Take what products are computed in."""
        super().__init__(train, config)
        self._product = torch.bfloat16 if config.precision == "bf16" else torch.float32

    def draw(self, events: int) -> Negatives:
        """Return nothing: no item need be drawn where all are looked at."""
        return Negatives(torch.empty(0, dtype=torch.int64), torch.empty(0))

    def __call__(self, states: Tensor, table: Tensor, targets: Tensor, negatives: Negatives) -> Tensor:
        """Return the mean loss; see `Loss.__call__`."""
        return cross_entropy(states, table, targets, self._product)


def cross_entropy(
    states: Tensor, table: Tensor, targets: Tensor, product: torch.dtype | None = None
) -> Tensor:
    """Return the full softmax cross-entropy over the catalogue; padding is not a candidate.

    The gradients are computed with the loss, from one chunk of the logits (events, items) at a time: logits
    are passed over once and never kept.

    Args:
        states: (events, dim).
        table: item vectors (items + 1, dim), row 0 the padding.
        targets: rows of the table, (events,).
        product: what products of matrices are computed in, sums of exponentials and gradients being added up
            as they are given; None is that of the states.
    """
    items = table[1:]
    loss, *gradients = _loss_and_gradients(states, items, targets - 1, product or states.dtype)
    return with_gradients(loss, (states, items), gradients)


def with_gradients(loss: Tensor, parts: Sequence[Tensor], gradients: Sequence[Tensor]) -> Tensor:
    """Return a loss that was computed without autograd, with its gradients by the parts it is made of."""
    carrier = torch.stack([(part * to).sum() for part, to in zip(parts, gradients, strict=True)]).sum()
    return loss + (carrier - carrier.detach())


def chunk_events(device: str, n_items: int) -> int:
    """Return how many events' float32 logits over n items are computed together on a kind of device."""
    fast = CPU_CHUNK_BYTES if device == "cpu" else GPU_CHUNK_BYTES
    return max(1, min(max(LEAST_EVENTS, fast // (4 * n_items)), MOST_BYTES // (4 * n_items)))


@torch.no_grad()
def _loss_and_gradients(
    states: Tensor, items: Tensor, targets: Tensor, product: torch.dtype
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the mean of -log softmax(states items^T) at targets (events,), 0-based, and its gradients."""
    count, rows = len(states), chunk_events(states.device.type, len(items))
    to_states, to_items = torch.empty_like(states), torch.zeros_like(items)
    bits, factors = (states / math.log(2)).to(product), items.to(product)  # powers of 2 are the faster ones
    products = factors.new_empty(min(rows, count), len(items))
    wide = products.to(states.dtype)  # the same memory unless products are narrower
    total = states.new_zeros((), dtype=torch.float64)
    for start in range(0, count, rows):
        chunk = slice(start, start + rows)
        some, wanted = states[chunk], targets[chunk, None]
        narrow, logits = products[: len(some)], wide[: len(some)]
        torch.mm(bits[chunk], factors.T, out=narrow)
        if wide is not products:
            logits.copy_(narrow)
        logits.sub_(logits.amax(dim=1, keepdim=True))
        found = logits.gather(1, wanted)
        sums = logits.exp2_().sum(dim=1, keepdim=True)
        total += (sums.log() - found * math.log(2)).sum()
        logits.scatter_add_(1, wanted, -sums)  # now sums times (softmax - 1 at the target)
        if wide is not products:
            narrow.copy_(logits)
        to_states[chunk] = (narrow @ factors) / sums
        to_items += narrow.T @ (some / sums).to(product)
    return (total / count).to(states.dtype), to_states / count, to_items / count
