"""Dropout whose random numbers cost little on a processor.

There torch draws a number for each element, one after the other, which was a quarter of a training
step; here four elements share a draw of 64 bits, so a rate is met to the nearest 1/65,536.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

_STEPS = 1 << 16  # of a rate
_TOGETHER = 4  # elements whose 16 bits are drawn at once
_LEAST = -(1 << 63)


def dropped(values: Tensor, rate: float) -> Tensor:
    """Return values of any shape, each zero with this probability and otherwise divided by 1 - rate."""
    if values.device.type != "cpu":
        return functional.dropout(values, rate)
    threshold = min(round(rate * _STEPS), _STEPS - 1)
    drawn = torch.empty(-(-values.numel() // _TOGETHER), dtype=torch.int64).random_(_LEAST, None)
    scales = values.new_empty(values.numel())
    torch.ge(drawn.view(torch.int16)[: values.numel()], threshold - _STEPS // 2, out=scales)
    return values * scales.mul_(_STEPS / (_STEPS - threshold)).view(values.shape)


class Dropout(nn.Module):
    """Drops while training, changes nothing otherwise."""

    def __init__(self, rate: float) -> None:
        """Take the probability, 0 to below 1."""
        super().__init__()
        self.rate = rate

    def forward(self, values: Tensor) -> Tensor:
        """Return the values, or while training what is left of them."""
        return dropped(values, self.rate) if self.training and self.rate else values
