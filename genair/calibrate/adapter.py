"""The map from frozen item vectors to the space that is learned.

Linear(z, 2d) - LayerNorm - GELU - Linear(2d, d), as in GenAIR. Departure: the input is divided by its root
mean square, so that learning does not depend on the scale of a language model's states.
"""

from collections.abc import Mapping
from typing import ClassVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional


class Adapter(nn.Module):
    """A two-layer map of vectors (items, z) to (items, dim)."""

    kind: ClassVar[str] = "mlp"
    scale: Tensor

    def __init__(self, in_dim: int, dim: int) -> None:
        """Make the layers; call `fit_scale` with the vectors before use."""
        super().__init__()
        self.register_buffer("scale", torch.ones(()))
        self.layers = nn.Sequential(nn.Linear(in_dim, 2 * dim), nn.LayerNorm(2 * dim), nn.GELU())
        self.last = nn.Linear(2 * dim, dim)

    @property
    def in_dim(self) -> int:
        """How many numbers an item vector has."""
        return cast(nn.Linear, self.layers[0]).in_features

    @classmethod
    def of(cls, weights: Mapping[str, Tensor]) -> "Adapter":
        """Make the adapter whose `state_dict` was saved."""
        adapter = cls(weights["layers.0.weight"].shape[1], len(weights["last.weight"]))
        adapter.load_state_dict(dict(weights))
        return adapter

    def fit_scale(self, vectors: Tensor) -> None:
        """Take the root mean square of the vectors (items, z) as the unit of the input."""
        rms = vectors.pow(2).mean().sqrt()
        self.scale = torch.where(rms > 0, rms, torch.ones_like(rms))

    @torch.no_grad()
    def start_at(self, vectors: Tensor, std: float) -> None:
        """Set the last layer so that on `vectors` every output has mean 0, and all together this std."""
        self.last.bias.zero_()
        mapped = self(vectors)
        centre = mapped.mean(dim=0)
        factor = std / (mapped - centre).std().clamp_min(1e-12)
        self.last.weight.mul_(factor)
        self.last.bias.sub_(factor * centre)

    def features(self, vectors: Tensor) -> Tensor:
        """Return vectors (items, z) as they are: no part of this map stays while it learns."""
        return vectors

    def read_out(self, features: Tensor) -> Tensor:
        """Map features (items, z) to (items, dim); the few weights take the scale, not the many vectors."""
        first = cast(nn.Linear, self.layers[0])
        mixed = functional.linear(features, first.weight / self.scale, first.bias)
        mapped: Tensor = self.last(self.layers[1:](mixed))
        return mapped

    def forward(self, vectors: Tensor) -> Tensor:
        """Map (items, z) to (items, dim)."""
        return self.read_out(self.features(vectors))
