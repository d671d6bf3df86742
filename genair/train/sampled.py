"""Losses that compare a target with a few drawn items instead of the whole catalogue.

No step builds anything of the size events x items. A drawn item that is the event's own target counts for
nothing. `sampled-ce` and `gbce` draw `--negatives` items a step, which all its events share: their scores
are one product of matrices. `bce` draws one item for each event, as SASRec was published with.
"""

import math
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from genair.config import TrainConfig
from genair.data.sequences import Sequences
from genair.train import SAMPLERS
from genair.train.losses import Loss, chunk_events, with_gradients
from genair.train.samplers import Negatives, Sampler, Uniform


class SharedNegatives(Loss):
    """A loss of every event against the same drawn items; subclasses tell how, and make `sampler`.

    The gradients are computed with the loss, from the scores of a chunk of events at a time: scores are never
    kept.
    """

    sampler: Sampler

    def __init__(self, train: Sequences, config: TrainConfig) -> None:
        """Take how many are drawn."""
        super().__init__(train, config)
        self._count = config.negatives

    def draw(self, events: int) -> Negatives:
        """Return the items that all events share."""
        return self.sampler.draw(self._count)

    def __call__(self, states: Tensor, table: Tensor, targets: Tensor, negatives: Negatives) -> Tensor:
        """Return the mean loss; see `Loss.__call__`."""
        own, others = (functional.embedding(items, table) for items in (targets, negatives.items))
        loss, *gradients = self._loss_and_gradients(states, own, others, targets, negatives)
        return with_gradients(loss, (states, own, others), gradients)

    def slopes(
        self, scores: Tensor, wanted: Tensor, hits: Tensor, negatives: Negatives
    ) -> tuple[Tensor, Tensor]:
        """Return the loss summed over events, and its gradient by `wanted`; that by scores takes their place.

        Args:
            scores: of the drawn items, (events, drawn).
            wanted: of the events' own, (events, 1).
            hits: where a drawn item is the event's own, which counts for nothing, (events, drawn).
            negatives: what was drawn.
        """
        raise TypeError(f"{type(self).__name__} lacks slopes")

    @torch.no_grad()
    def _loss_and_gradients(
        self, states: Tensor, own: Tensor, others: Tensor, targets: Tensor, negatives: Negatives
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the mean loss of events and its gradients by states, own and others."""
        count, rows = len(states), chunk_events(states.device.type, len(others))
        to_states, to_own, to_others = (
            torch.empty_like(states),
            torch.empty_like(own),
            torch.zeros_like(others),
        )
        total = states.new_zeros((), dtype=torch.float64)
        for start in range(0, count, rows):
            chunk = slice(start, start + rows)
            some, mine = states[chunk], own[chunk]
            scores, hits = some @ others.T, targets[chunk, None] == negatives.items
            loss, slope = self.slopes(scores, (some * mine).sum(dim=1, keepdim=True), hits, negatives)
            total += loss
            to_states[chunk] = (scores @ others).addcmul_(slope, mine)
            to_own[chunk] = slope * some
            to_others.addmm_(scores.T, some)
        return (total / count).to(states.dtype), to_states / count, to_own / count, to_others / count


class SampledSoftmax(SharedNegatives):
    """Mean of -log(exp s+ / (exp s+ + sum_j exp(s_j - log_expected_j))), j over the drawn items.

    With the correction, the sum over what was drawn is on average the sum over all items but the target
    (Bengio & Senecal, IEEE Transactions on Neural Networks 2008); the target is always there and needs none.
    """

    uses: ClassVar[frozenset[str]] = frozenset({"sampler", "negatives"})

    def __init__(self, train: Sequences, config: TrainConfig) -> None:
        """Make the sampler."""
        super().__init__(train, config)
        self.sampler = SAMPLERS.get(config.sampler)(train, config.seed)
        self.generator = self.sampler.generator

    def slopes(
        self, scores: Tensor, wanted: Tensor, hits: Tensor, negatives: Negatives
    ) -> tuple[Tensor, Tensor]:
        """Return the loss and its gradient; see `SharedNegatives.slopes`."""
        scores.sub_(negatives.log_expected).masked_fill_(hits, -torch.inf)
        top = torch.maximum(scores.amax(dim=1, keepdim=True), wanted)
        rest = scores.sub_(top).exp_().sum(dim=1, keepdim=True)
        sums = rest + (wanted - top).exp()
        scores.div_(sums)
        return (sums.log() - (wanted - top)).sum(), -rest / sums


class GeneralisedBCE(SharedNegatives):
    """Mean of -(beta log sigmoid(s+) + sum_j log(1 - sigmoid(s_j))) / (k + 1), j over the k drawn items.

    gBCE (Petrov & Macdonald, RecSys 2023), negatives uniform. Departure: s is the product of state and item
    plus log(beta / k), where ignorance begins. It moves no rank; without it all item vectors would first
    have to learn a direction that they share, which drowns what tells them apart when they are read.

    Attributes:
        beta: a (t (1 - 1/a) + 1/a) = 1 - t (1 - a), where a is the share of the other items that is drawn.
        offset: log(beta / k).
    """

    uses: ClassVar[frozenset[str]] = frozenset({"negatives", "gbce_t"})

    def __init__(self, train: Sequences, config: TrainConfig) -> None:
        """Make the sampler."""
        super().__init__(train, config)
        self.sampler = Uniform(train, config.seed)
        self.generator = self.sampler.generator
        share = min(1.0, config.negatives / max(1, train.n_items - 1))
        self.beta = 1 - config.gbce_t * (1 - share)
        self.offset = math.log(self.beta / config.negatives)

    def slopes(
        self, scores: Tensor, wanted: Tensor, hits: Tensor, negatives: Negatives
    ) -> tuple[Tensor, Tensor]:
        """Return the loss and its gradient; see `SharedNegatives.slopes`."""
        share, shifted = 1 / (scores.shape[1] + 1), wanted + self.offset
        scores.add_(self.offset).masked_fill_(hits, -torch.inf)
        loss = self.beta * functional.softplus(-shifted).sum() + functional.softplus(scores).sum()
        scores.sigmoid_().mul_(share)
        return loss * share, -self.beta * share * torch.sigmoid(-shifted)


class PairedBCE(Loss):
    """Mean of -log sigmoid(s+) - log(1 - sigmoid(s-)), one uniform negative an event (SASRec)."""

    def __init__(self, train: Sequences, config: TrainConfig) -> None:
        """Make the sampler."""
        super().__init__(train, config)
        self.sampler = Uniform(train, config.seed)
        self.generator = self.sampler.generator

    def draw(self, events: int) -> Negatives:
        """Return an item for each event."""
        return self.sampler.draw(events)

    def __call__(self, states: Tensor, table: Tensor, targets: Tensor, negatives: Negatives) -> Tensor:
        """Return the mean loss; see `Loss.__call__`."""
        wanted = functional.logsigmoid(_products(states, table, targets))
        other = functional.logsigmoid(-_products(states, table, negatives.items))
        return -(wanted + other.masked_fill(targets == negatives.items, 0.0)).mean()


def _products(states: Tensor, table: Tensor, items: Tensor) -> Tensor:
    """Return each state's product with the vector of its own item, (events,)."""
    return (states * functional.embedding(items, table)).sum(dim=1)
