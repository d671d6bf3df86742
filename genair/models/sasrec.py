"""SASRec (Kang & McAuley, ICDM 2018): a causal transformer over the history.

Departures: LayerNorm before each sublayer and GELU, as in later practice; padding comes last, so the causal
mask alone hides it; positions count from the first event of the window.
"""

from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional

from genair.config import TrainConfig
from genair.models.base import Backbone
from genair.models.items import INITIAL_STD


class SASRec(Backbone):
    """Causal self-attention."""

    causal: ClassVar[bool] = True
    uses: ClassVar[frozenset[str]] = frozenset({"blocks", "heads", "dropout"})

    def __init__(self, config: TrainConfig) -> None:
        """Make positions and blocks."""
        super().__init__(config)
        self.positions = nn.Embedding(config.max_length, config.dim)
        nn.init.normal_(self.positions.weight, std=INITIAL_STD)
        self.norm_in = nn.LayerNorm(config.dim)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.blocks))
        self.norm_out = nn.LayerNorm(config.dim)

    def forward(self, events: Tensor, present: Tensor) -> Tensor:
        """Map events (users, length, dim) to states; see `Backbone.forward`."""
        positions = self.positions.weight[: events.shape[1]]
        states = self.dropout(self.norm_in(events + positions))
        for block in self.blocks:
            states = block(states)
        normed: Tensor = self.norm_out(states)
        return normed


class Block(nn.Module):
    """Attention and a feed-forward layer, each with a residual connection."""

    def __init__(self, config: TrainConfig) -> None:
        """Make the layers."""
        super().__init__()
        self.heads = config.heads
        self.rate = config.dropout
        self.norm_attention = nn.LayerNorm(config.dim)
        self.project_in = nn.Linear(config.dim, 3 * config.dim)
        self.project_out = nn.Linear(config.dim, config.dim)
        self.norm_feed = nn.LayerNorm(config.dim)
        self.feed = nn.Sequential(
            nn.Linear(config.dim, 4 * config.dim),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(4 * config.dim, config.dim),
        )
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, states: Tensor) -> Tensor:
        """Map states (users, length, dim) to states."""
        states = states + self.dropout(self._attend(self.norm_attention(states)))
        fed: Tensor = states + self.dropout(self.feed(self.norm_feed(states)))
        return fed

    def _attend(self, states: Tensor) -> Tensor:
        users, length, dim = states.shape
        shape = (users, length, 3, self.heads, dim // self.heads)
        query, key, value = self.project_in(states).view(shape).permute(2, 0, 3, 1, 4)
        rate = self.rate if self.training else 0.0
        mixed = functional.scaled_dot_product_attention(query, key, value, dropout_p=rate, is_causal=True)
        attended: Tensor = self.project_out(mixed.transpose(1, 2).reshape(users, length, dim))
        return attended
