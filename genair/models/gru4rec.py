"""GRU4Rec (Hidasi et al., ICLR 2016): a recurrent network over the history, `--blocks` layers of it.

Departures: one table of item vectors is read and scored with (`constrained embedding` in the authors' code),
so it is as wide as the state; every event of a history is a target, without session-parallel batches;
LayerNorm on the way in, because item vectors start too small for the gates, and on the way out, without
which losses on drawn negatives may drive the gates into saturation.
"""

from typing import ClassVar

from torch import Tensor, nn

from genair.config import TrainConfig
from genair.models.base import Backbone
from genair.models.dropout import Dropout


class GRU4Rec(Backbone):
    """Gated recurrent units."""

    causal: ClassVar[bool] = True
    uses: ClassVar[frozenset[str]] = frozenset({"blocks", "dropout"})

    def __init__(self, config: TrainConfig) -> None:
        """Make the layers."""
        super().__init__(config)
        self.norm_in = nn.LayerNorm(config.dim)
        self.dropout = Dropout(config.dropout)
        between = config.dropout if config.blocks > 1 else 0.0
        self.gru = nn.GRU(config.dim, config.dim, config.blocks, batch_first=True, dropout=between)
        self.norm_out = nn.LayerNorm(config.dim)

    def forward(self, events: Tensor, present: Tensor) -> Tensor:
        """Map events (users, length, dim) to states; see `Backbone.forward`."""
        hidden, _ = self.gru(self.dropout(self.norm_in(events)))
        states: Tensor = self.norm_out(self.dropout(hidden))
        return states
