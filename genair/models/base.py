"""A recommender is an item encoder and a backbone; neither knows the other's kind.

Histories are item indices (users, length), first event first, padded with 0 at the end: what a causal
backbone computes for an event then never depends on padding, batch mates or the maximum length.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from genair.config import TrainConfig
from genair.io.container import Array
from genair.models import BACKBONES
from genair.models.items import ItemEncoder


class Backbone(nn.Module):
    """Turns a sequence of item vectors into a sequence of states.

    Attributes:
        causal: whether the state of an event depends on earlier events only.
        uses: those of the settings `blocks`, `heads` and `dropout` that change it.
    """

    causal: ClassVar[bool] = True
    uses: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, config: TrainConfig) -> None:
        """Make the layers from the settings."""
        super().__init__()

    def forward(self, events: Tensor, present: Tensor) -> Tensor:
        """Map events (users, length, dim) to states of the same shape.

        Args:
            events: item vectors.
            present: bool (users, length), False where padded.
        """
        raise TypeError(f"{type(self).__name__} lacks forward")


class Recommender(nn.Module):
    """Scores every item of the catalogue as the next event of a history."""

    def __init__(self, items: ItemEncoder, backbone: Backbone) -> None:
        """Join the two parts."""
        super().__init__()
        self.items = items
        self.backbone = backbone

    def states(self, histories: Tensor, table: Tensor) -> Tensor:
        """Return the state after each event, (users, length, dim).

        Args:
            histories: item indices (users, length), 0 = padding at the end.
            table: item vectors (items + 1, dim), as `items.table()` gives them.
        """
        events = functional.embedding(histories, table)  # indexing's gradient adds up in no fixed order
        states: Tensor = self.backbone(events, histories != 0)
        return states

    def scores(self, histories: Tensor, table: Tensor) -> Tensor:
        """Return the score of every item after the last event, (users, items); column i is index i + 1."""
        states = self.states(histories, table)
        last = (histories != 0).sum(dim=1) - 1
        return states[torch.arange(len(states)), last] @ table[1:].T

    def scorer(self) -> Callable[[npt.NDArray[np.int64]], Tensor]:
        """Return what scores padded histories (users, length) with today's item table, without gradients."""
        with torch.no_grad():
            table = self.items.table()

        @torch.no_grad()
        def score(histories: npt.NDArray[np.int64]) -> Tensor:
            return self.scores(torch.from_numpy(histories).to(table.device), table)

        return score


def build_recommender(config: TrainConfig, n_items: int, vectors: Tensor | None) -> Recommender:
    """Make an untrained recommender.

    Args:
        config: backbone, item encoder and sizes.
        n_items: items in the catalogue, padding not counted.
        vectors: frozen item vectors (items, z); None for `--items id`.
    """
    return Recommender(ItemEncoder(config, n_items, vectors), BACKBONES.get(config.backbone)(config))


def restore_recommender(config: Mapping[str, Any], weights: Mapping[str, Array], n_items: int) -> Recommender:
    """Make a recommender from what a model file holds."""
    settings = TrainConfig.from_settings(config)
    vectors = weights.get("items.vectors")
    frozen = None if vectors is None else torch.from_numpy(np.ascontiguousarray(vectors))
    model = build_recommender(settings, n_items, frozen)
    model.load_state_dict({name: torch.from_numpy(np.ascontiguousarray(w)) for name, w in weights.items()})
    return model.eval()


def weights_of(model: Recommender) -> dict[str, Array]:
    """Return every parameter and buffer by name, frozen item vectors included."""
    return {name: value.detach().cpu().numpy().copy() for name, value in model.state_dict().items()}
