"""The learning rate over a run: it rises for `--warmup` epochs, then follows a schedule to the last epoch.

A schedule maps how much of the way from there to the end of `--epochs` is behind, 0 to below 1, to a share of
`--learning-rate`. Early stopping ends a run on the way, and moves nothing.
"""

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from genair.config import TrainConfig
from genair.train import SCHEDULES


def constant(_way: float) -> float:
    """Stay."""
    return 1.0


def linear(way: float) -> float:
    """Fall to zero in a straight line."""
    return 1 - way


def cosine(way: float) -> float:
    """Fall to zero along half a cosine (Loshchilov & Hutter, ICLR 2017, without restarts)."""
    return (1 + math.cos(math.pi * way)) / 2


def scheduler(optimizer: Optimizer, config: TrainConfig, steps: int) -> LambdaLR:
    """Return what sets the learning rate of each step; `steps` are those of an epoch.

    No step is wasted on a rate of zero: the first of N steps of warm-up has 1 / (N + 1) of it.

    Raises:
        UsageError: there is no such schedule.
    """
    curve = SCHEDULES.get(config.schedule)
    rise = math.ceil(config.warmup * steps)
    rest = max(1, config.epochs * steps - rise)

    def share(step: int) -> float:
        return (step + 1) / (rise + 1) if step < rise else curve((step - rise) / rest)

    return LambdaLR(optimizer, share)
