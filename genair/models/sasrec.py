"""SASRec (Kang & McAuley, ICDM 2018): a causal transformer over the history.

Departures: LayerNorm before each sublayer and GELU, as in later practice; padding comes last, so the causal
mask alone hides it; positions count from the first event of the window.
"""

from typing import ClassVar

from torch import Tensor, nn

from genair.config import TrainConfig
from genair.models.base import Backbone
from genair.models.dropout import Dropout
from genair.models.items import INITIAL_STD
from genair.models.layers import Block
from genair.models.layout import Layout, packed_through


class SASRec(Backbone):
    """Causal self-attention."""

    causal: ClassVar[bool] = True
    uses: ClassVar[frozenset[str]] = frozenset({"blocks", "heads", "dropout"})

    def __init__(self, config: TrainConfig) -> None:
        """Make positions and blocks."""
        super().__init__(config)
        self.positions = nn.Embedding(config.max_length, config.dim)
        nn.init.normal_(self.positions.weight, std=INITIAL_STD)
        self.scale = config.dim**0.5
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.blocks))
        self.norm_out = nn.LayerNorm(config.dim)

    def forward(self, events: Tensor, present: Tensor) -> Tensor:
        """Map events (users, length, dim) to states; see `Backbone.forward`."""
        return packed_through(self.packed, events, present)

    def packed(self, events: Tensor, layout: Layout) -> Tensor:
        """Map packed events (events, dim) to states; see `Backbone.packed`."""
        states = self.dropout(events * self.scale + self.positions(layout.places))
        for block in self.blocks:
            states = block(states, layout)
        normed: Tensor = self.norm_out(states)
        return normed
