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
from genair.errors import GenairError, UsageError
from genair.io.container import Array
from genair.models import BACKBONES
from genair.models.items import INITIAL_STD, ItemEncoder
from genair.models.layout import Layout

MASK = -1
"""What stands in a history for an event that is to be guessed from the others."""
_SETTINGS = frozenset({"blocks", "heads", "dropout"})
_PARTS = ("forward", "packed")


class Backbone(nn.Module):
    """Turns a sequence of item vectors into a sequence of states.

    Attributes:
        causal: whether the state of an event depends on earlier events only, and is to say what comes next;
            otherwise the state of a masked event is to say what it is.
        uses: those of the settings `blocks`, `heads` and `dropout` that change it.
    """

    causal: ClassVar[bool] = True
    uses: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, config: TrainConfig) -> None:
        """Make the layers from the settings; here, the vector of a masked event."""
        super().__init__()
        self.mask: nn.Parameter | None = None
        if not self.causal:
            self.mask = nn.Parameter(torch.empty(config.dim))
            nn.init.normal_(self.mask, std=INITIAL_STD)

    def forward(self, events: Tensor, present: Tensor) -> Tensor:
        """Map events (users, length, dim) to states of the same shape.

        Args:
            events: item vectors.
            present: bool (users, length), False where padded.
        """
        raise TypeError(f"{type(self).__name__} lacks forward")

    def packed(self, events: Tensor, layout: Layout) -> Tensor:
        """Map packed events (events, dim) to states of the same shape, up to rounding as `forward` does.

        A backbone that computes much for each event alone does so faster here.
        """
        return layout.apart(events, self.padded)

    def padded(self, events: Tensor, present: Tensor) -> Tensor:
        """Return what `forward` does.

        Raises:
            GenairError: its shape is not that of the events.
        """
        states: Tensor = self(events, present)
        if states.shape != events.shape:
            name, shape = type(self).__name__, tuple(states.shape)
            raise GenairError(f"{name}.forward must return {tuple(events.shape)}, as events are, not {shape}")
        return states


class Recommender(nn.Module):
    """Scores every item of the catalogue as the next event of a history."""

    def __init__(self, items: ItemEncoder, backbone: Backbone) -> None:
        """Join the two parts."""
        super().__init__()
        self.items = items
        self.backbone = backbone

    def states(self, histories: Tensor, table: Tensor) -> Tensor:
        """Return the state of each event, (users, length, dim).

        Args:
            histories: item indices (users, length), 0 = padding at the end; `MASK` where the backbone is not
                causal and an event is to be guessed.
            table: item vectors (items + 1, dim), as `items.table()` gives them.
        """
        return self.backbone.padded(self._events(histories, table), histories != 0)

    def packed_states(self, histories: Tensor, table: Tensor) -> Tensor:
        """Return the state of each event, (events, dim), one history after the other.

        Args:
            histories: as of `states`, by rising length.
            table: item vectors.
        """
        present = histories != 0
        layout = Layout(present.sum(dim=1).cpu().numpy(), table.device)
        return self.backbone.packed(self._events(histories[present], table), layout)

    def _events(self, indices: Tensor, table: Tensor) -> Tensor:
        """Return the item vectors of indices of any shape, and of masked ones what stands for them."""
        known = indices.clamp_min(0)
        events = functional.embedding(known, table)  # indexing's gradient adds up in no fixed order
        if self.backbone.mask is None:
            return events
        return torch.where((indices == MASK)[..., None], self.backbone.mask, events)

    def scores(self, histories: Tensor, table: Tensor) -> Tensor:
        """Return the score of every item after the last event, (users, items); column i is index i + 1."""
        if not self.backbone.causal:
            histories = _with_mask(histories)
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
        vectors: item vectors (items, z); None for `--items id`.
    """
    model = _assemble(config, n_items, vectors)
    if config.items != "id":
        model.items.start(vectors)
    return model


def restore_recommender(config: Mapping[str, Any], weights: Mapping[str, Array], n_items: int) -> Recommender:
    """Make a recommender from what a model file holds.

    Raises:
        GenairError: its backbone is from outside, and not here or no longer the same; or its settings or
            weights are not of this version.
    """
    vectors = weights.get("items.vectors")
    frozen = None if vectors is None else torch.from_numpy(np.ascontiguousarray(vectors))
    try:
        settings = TrainConfig.from_settings(config)
        model = _assemble(settings, n_items, frozen)
    except UsageError as error:
        raise GenairError(f"the model cannot be rebuilt: {error}") from error
    except (TypeError, ValueError) as error:
        raise GenairError(f"the model is damaged, or a newer genair's: upgrade ({error})") from error
    tensors = {name: torch.from_numpy(np.ascontiguousarray(weight)) for name, weight in weights.items()}
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise GenairError(f"the model's weights do not fit its backbone {settings.backbone!r}") from error
    return model.eval()


def backbone_of(name: str) -> type[Backbone]:
    """Return the class of a backbone.

    Raises:
        UsageError: there is none of that name, or it is something else.
    """
    kind = BACKBONES.get(name)
    if not (isinstance(kind, type) and issubclass(kind, Backbone)):
        raise UsageError(f"{name!r} is not a backbone: it does not derive from genair.models.base.Backbone")
    if kind.forward is Backbone.forward:
        raise UsageError(f"{name!r} is not a backbone: it has no forward of its own")
    order = kind.__mro__
    forward, packed = (next(i for i, one in enumerate(order) if part in vars(one)) for part in _PARTS)
    if forward < packed and order[packed] is not Backbone:
        raise UsageError(
            f"{name!r} has a forward of its own and would train by the packed of {order[packed].__name__}:"
            " give it both"
        )
    if strange := kind.uses - _SETTINGS:
        raise UsageError(
            f"{name!r} uses {', '.join(sorted(strange))}: {', '.join(sorted(_SETTINGS))} are known"
        )
    return kind


def _assemble(config: TrainConfig, n_items: int, vectors: Tensor | None) -> Recommender:
    """Return the parts together, before their first or their saved weights are set."""
    return Recommender(ItemEncoder(config, n_items, vectors), backbone_of(config.backbone)(config))


def _with_mask(histories: Tensor) -> Tensor:
    """Return histories (users, length) with a masked event behind the last one: (users, length + 1)."""
    lengths = (histories != 0).sum(dim=1, keepdim=True)
    return functional.pad(histories, (0, 1)).scatter(1, lengths, MASK)


def weights_of(model: Recommender) -> dict[str, Array]:
    """Return every parameter and buffer by name, frozen item vectors included."""
    return {name: value.detach().cpu().numpy().copy() for name, value in model.state_dict().items()}
