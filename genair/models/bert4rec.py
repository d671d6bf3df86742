"""BERT4Rec (Sun et al., CIKM 2019): a transformer that sees both sides of an event, trained on masked ones.

Departures: LayerNorm before each sublayer; no bias per item, so that items never seen can be scored.
Positions count from the last event: the one to be predicted, masked behind the history, always has the
same, however long the history is, and so has every event whatever the padding and the maximum length.
"""

from typing import ClassVar

from torch import Tensor, nn

from genair.config import TrainConfig
from genair.models.base import Backbone
from genair.models.dropout import Dropout
from genair.models.items import INITIAL_STD
from genair.models.layers import Block
from genair.models.layout import Layout, packed_through


class BERT4Rec(Backbone):
    """Self-attention to all events but padding."""

    causal: ClassVar[bool] = False
    uses: ClassVar[frozenset[str]] = frozenset({"blocks", "heads", "dropout"})

    def __init__(self, config: TrainConfig) -> None:
        """Make positions, of `max_length` events and one to predict, and blocks."""
        super().__init__(config)
        self.positions = nn.Embedding(config.max_length + 1, config.dim)
        nn.init.normal_(self.positions.weight, std=INITIAL_STD)
        self.norm_in = nn.LayerNorm(config.dim)
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config, causal=False) for _ in range(config.blocks))
        self.norm_out = nn.LayerNorm(config.dim)
        self.head = nn.Sequential(nn.Linear(config.dim, config.dim), nn.GELU(), nn.LayerNorm(config.dim))

    def forward(self, events: Tensor, present: Tensor) -> Tensor:
        """Map events (users, length, dim) to states; see `Backbone.forward`."""
        return packed_through(self.packed, events, present)

    def packed(self, events: Tensor, layout: Layout) -> Tensor:
        """Map packed events (events, dim) to states; see `Backbone.packed`."""
        states = self.dropout(self.norm_in(events + self.positions(layout.behind)))
        for block in self.blocks:
            states = block(states, layout)
        predicted: Tensor = self.head(self.norm_out(states))
        return predicted
