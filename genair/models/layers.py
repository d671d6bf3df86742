"""The transformer block that backbones share: LayerNorm before each sublayer, GELU, dropout after each."""

from torch import Tensor, nn
from torch.nn import functional

from genair.config import TrainConfig


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

    def forward(self, states: Tensor, seen: Tensor | None = None) -> Tensor:
        """Map states (users, length, dim) to states.

        Args:
            states: one an event.
            seen: bool (users, length), the events that all may attend to; None: each to those before it and
                itself.
        """
        states = states + self.dropout(self._attend(self.norm_attention(states), seen))
        fed: Tensor = states + self.dropout(self.feed(self.norm_feed(states)))
        return fed

    def _attend(self, states: Tensor, seen: Tensor | None = None) -> Tensor:
        users, length, dim = states.shape
        shape = (users, length, 3, self.heads, dim // self.heads)
        query, key, value = self.project_in(states).view(shape).permute(2, 0, 3, 1, 4)
        rate = self.rate if self.training else 0.0
        mask = None if seen is None else seen[:, None, None, :]
        mixed = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, dropout_p=rate, is_causal=mask is None
        )
        attended: Tensor = self.project_out(mixed.transpose(1, 2).reshape(users, length, dim))
        return attended
