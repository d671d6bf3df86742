"""The transformer block that backbones share: LayerNorm before each sublayer, GELU, dropout after each."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from genair.config import TrainConfig
from genair.models.dropout import Dropout, dropped
from genair.models.layout import Layout


class Block(nn.Module):
    """Attention and a feed-forward layer, each with a residual connection."""

    def __init__(self, config: TrainConfig, *, causal: bool = True) -> None:
        """Make the layers; causal is whether an event attends to itself and those before it only."""
        super().__init__()
        self.causal = causal
        self.heads = config.heads
        self.rate = config.dropout
        self.norm_attention = nn.LayerNorm(config.dim)
        self.project_in = nn.Linear(config.dim, 3 * config.dim)
        self.project_out = nn.Linear(config.dim, config.dim)
        self.norm_feed = nn.LayerNorm(config.dim)
        self.feed = nn.Sequential(
            nn.Linear(config.dim, 4 * config.dim),
            nn.GELU(),
            Dropout(config.dropout),
            nn.Linear(4 * config.dim, config.dim),
        )
        self.dropout = Dropout(config.dropout)

    def forward(self, states: Tensor, layout: Layout) -> Tensor:
        """Map states of packed events (events, dim) to states."""
        states = states + self.dropout(self._attend(self.norm_attention(states), layout))
        fed: Tensor = states + self.dropout(self.feed(self.norm_feed(states)))
        return fed

    def _attend(self, states: Tensor, layout: Layout) -> Tensor:
        attended: Tensor = self.project_out(layout.apart(self.project_in(states), self._mix))
        return attended

    def _mix(self, projected: Tensor, present: Tensor) -> Tensor:
        """Attend: queries, keys and values (users, length, 3 dim) to what is mixed of them."""
        users, length, width = projected.shape
        shape = (users, length, 3, self.heads, width // (3 * self.heads))
        query, key, value = projected.view(shape).permute(2, 0, 3, 1, 4)
        mask = None if self.causal else present[:, None, None, :]
        mixed = _attention(query, key, value, mask, self.rate if self.training else 0.0)
        return mixed.transpose(1, 2).reshape(users, length, width // 3)


def _attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, rate: float) -> Tensor:
    """Mix values (users, heads, length, dim) by their keys; without a mask, each sees what came before."""
    if not rate or query.device.type != "cpu":
        return functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, dropout_p=rate, is_causal=mask is None
        )
    if mask is None:
        mask = torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool).tril()
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
    weights = scores.masked_fill(~mask, -torch.inf).softmax(dim=-1)
    return dropped(weights, rate) @ value
