"""A map of item vectors that is a linear projection and a correction to it: e = P x + Q relu(H x).

x is the item vector with every column brought to mean 0 and deviation 1 (whitening, for the principal
components that `genair embed` writes). H is random and stays so: arc-cosine features (Cho & Saul, NIPS 2009).
So e is linear in what is learned, P and Q, and the best can be computed (`genair.calibrate.spectral`).
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

_LEAST = 1e-3  # of the largest deviation: columns of noise are not blown up beyond it


class ResidualAdapter(nn.Module):
    """The map of vectors (items, z) to (items, dim)."""

    kind: ClassVar[str] = "residual"
    mean: Tensor
    deviation: Tensor
    hidden: Tensor
    centre: Tensor

    def __init__(self, in_dim: int, features: int, dim: int) -> None:
        """Make the parts; `fit_input` and `genair.calibrate.spectral.solve` give them their values."""
        super().__init__()
        self.register_buffer("mean", torch.zeros(in_dim))
        self.register_buffer("deviation", torch.ones(in_dim))
        self.register_buffer("hidden", torch.zeros(in_dim, features))
        self.register_buffer("centre", torch.zeros(in_dim + features))
        self.output = nn.Parameter(torch.zeros(in_dim + features, dim))

    @property
    def in_dim(self) -> int:
        """How many numbers an item vector has."""
        return len(self.mean)

    @classmethod
    def of(cls, weights: Mapping[str, Tensor]) -> "ResidualAdapter":
        """Make the adapter whose `state_dict` was saved."""
        in_dim, features = weights["hidden"].shape
        adapter = cls(in_dim, features, weights["output"].shape[1])
        adapter.load_state_dict(dict(weights))
        return adapter

    def fit_input(self, vectors: Tensor, seed: int) -> None:
        """Take means and deviations from vectors (items, z), and H from the seed."""
        self.mean.copy_(vectors.mean(dim=0))
        spread = vectors.std(dim=0, correction=0)
        self.deviation.copy_(spread + _LEAST * spread.max() + (spread.max() == 0))
        rng = np.random.Generator(np.random.PCG64(seed))
        drawn = rng.standard_normal(tuple(self.hidden.shape), dtype=np.float32)
        self.hidden.copy_(torch.from_numpy(drawn / max(1, len(drawn)) ** 0.5))
        self.centre.copy_(self.features(vectors).mean(dim=0))

    def features(self, vectors: Tensor) -> Tensor:
        """Return [x, relu(H x)] less their centre, (items, z + features)."""
        x = (vectors - self.mean) / self.deviation
        return torch.cat([x, (x @ self.hidden).relu()], dim=1).sub_(self.centre)

    def read_out(self, features: Tensor) -> Tensor:
        """Map features (items, z + features) to (items, dim)."""
        return features @ self.output

    def forward(self, vectors: Tensor) -> Tensor:
        """Map (items, z) to (items, dim)."""
        return self.read_out(self.features(vectors))
