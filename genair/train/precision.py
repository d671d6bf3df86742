"""Mixed precision: large products in 16 bits, all else in 32.

Large are those of a backbone on a card, of an adapter, and of the full softmax in bf16; on a processor a
backbone's are so small that conversions take longer than they save. Weights and their moments, the item
table, exponentials, sums and losses are float32, so that few events of many items add up right; so is
whatever ranks: validation tells what serving will give.
"""

import torch
from torch import Tensor
from torch.optim import Optimizer

from genair.config import PRECISIONS, TrainConfig
from genair.device import DTYPES, dtype_name, resolve_dtype
from genair.errors import UsageError
from genair.train import LOSSES


def resolve_precision(name: str, device: torch.device) -> str:
    """Return the precision for a name; `auto` is bf16 on a CUDA card that has it, else fp32.

    Raises:
        UsageError: there is none of that name, or it is fp16 and the device no CUDA card.
    """
    if name not in {"auto", *PRECISIONS}:
        raise UsageError(f"unknown precision {name!r}: choose from auto, {', '.join(PRECISIONS)}")
    if name == "fp16" and device.type != "cuda":
        raise UsageError(f"--precision fp16 is for CUDA cards; on {device.type} it only costs time: use fp32")
    return dtype_name(resolve_dtype(name, device))


def require_products(config: TrainConfig, device: torch.device) -> None:
    """Refuse bf16 on a processor for a model that has no products there that are large.

    Raises:
        UsageError: the precision would change nothing.
    """
    large = LOSSES.get(config.loss).whole or "text" in config.items.split("+")
    if config.precision == "bf16" and device.type == "cpu" and not large:
        raise UsageError(
            f"--precision bf16 changes nothing on cpu with --items {config.items} and --loss {config.loss}:"
            " use fp32"
        )


class Precision:
    """How a run computes.

    Attributes:
        table: context in which item vectors are computed.
        states: context in which a backbone's states are.
        scaler: keeps small gradients of fp16 from becoming zero; otherwise idle.
    """

    def __init__(self, name: str, device: torch.device) -> None:
        """Take the setting, and where to compute."""
        dtype: torch.dtype = getattr(torch, DTYPES[name])
        mixed = name != "fp32"
        self.table = torch.autocast(device.type, dtype, enabled=mixed)
        self.states = torch.autocast(device.type, dtype, enabled=mixed and device.type != "cpu")
        self.scaler = torch.amp.GradScaler(device.type, enabled=name == "fp16")

    def step(self, loss: Tensor, optimizer: Optimizer) -> None:
        """Move the weights down the gradient of a loss."""
        optimizer.zero_grad()
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self.scaler.step(optimizer)
        self.scaler.update()
