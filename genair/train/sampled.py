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
from genair.train.losses import Loss
from genair.train.samplers import Negatives, Uniform


class SampledSoftmax(Loss):
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
        self._count = config.negatives

    def draw(self, events: int) -> Negatives:
        """Return the items that all events share."""
        return self.sampler.draw(self._count)

    def __call__(self, states: Tensor, table: Tensor, targets: Tensor, negatives: Negatives) -> Tensor:
        """Return the mean loss; see `Loss.__call__`."""
        wanted = _products(states, table, targets)
        scores = states @ functional.embedding(negatives.items, table).T - negatives.log_expected
        scores = scores.masked_fill(targets[:, None] == negatives.items, -torch.inf)
        every = torch.cat([wanted[:, None], scores], dim=1)
        return functional.cross_entropy(every, torch.zeros_like(targets))


class GeneralisedBCE(Loss):
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
        self._count = config.negatives
        share = min(1.0, config.negatives / max(1, train.n_items - 1))
        self.beta = 1 - config.gbce_t * (1 - share)
        self.offset = math.log(self.beta / config.negatives)

    def draw(self, events: int) -> Negatives:
        """Return the items that all events share."""
        return self.sampler.draw(self._count)

    def __call__(self, states: Tensor, table: Tensor, targets: Tensor, negatives: Negatives) -> Tensor:
        """Return the mean loss; see `Loss.__call__`."""
        wanted = functional.logsigmoid(_products(states, table, targets) + self.offset)
        scores = states @ functional.embedding(negatives.items, table).T + self.offset
        hits = targets[:, None] == negatives.items
        others = functional.logsigmoid(-scores).masked_fill(hits, 0.0).sum(dim=1)
        return -(self.beta * wanted + others).mean() / (len(negatives.items) + 1)


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
