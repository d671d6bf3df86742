"""Where negatives come from: items drawn with replacement, every item within reach, padding never.

A sampler's only state is its generator, seeded by the run's seed; whoever saves a run saves that state.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from genair.data.sequences import Sequences
from genair.seeding import derive_seed


class Negatives(NamedTuple):
    """Items that a step compares its targets with.

    Attributes:
        items: item indices, shape (drawn,).
        log_expected: log of how often each was to be expected among the drawn; same shape.
    """

    items: Tensor
    log_expected: Tensor


class Sampler:
    """Draws items of a catalogue.

    Attributes:
        generator: everything random; its state can be read and set.
        n_items: items 1 to n are drawn.
    """

    def __init__(self, train: Sequences, seed: int) -> None:
        """Take the training events and the run's seed."""
        self.generator = torch.Generator().manual_seed(derive_seed(seed, "negatives"))
        self.n_items = train.n_items

    def draw(self, count: int) -> Negatives:
        """Return so many items, each drawn independently of the others."""
        raise TypeError(f"{type(self).__name__} lacks draw")


class Uniform(Sampler):
    """Every item alike."""

    def draw(self, count: int) -> Negatives:
        """Return so many items; see `Sampler.draw`."""
        items = torch.randint(1, self.n_items + 1, (count,), generator=self.generator)
        return Negatives(items, torch.full((count,), math.log(max(1, count) / self.n_items)))


class Popularity(Sampler):
    """Each item by its number of training events and one, so that none is out of reach."""

    def __init__(self, train: Sequences, seed: int) -> None:
        """Count the training events."""
        super().__init__(train, seed)
        counts = np.bincount(train.items, minlength=train.n_items + 1)[1:] + 1
        self._shares = torch.from_numpy(counts / counts.sum())
        self._upper = self._shares.cumsum(0)

    def draw(self, count: int) -> Negatives:
        """Return so many items; see `Sampler.draw`."""
        chance = torch.rand(count, generator=self.generator, dtype=self._upper.dtype)
        rows = torch.searchsorted(self._upper, chance, right=True).clamp_max(self.n_items - 1)
        return Negatives(rows + 1, (count * self._shares[rows]).log().float())
