"""Mixed precision: a model's products in 16 bits, all else in 32.

Weights and their moments, the item table, scores and losses are float32, so that few events of many items add
up right; so is whatever ranks: validation tells what serving will give.
"""

import torch
from torch import Tensor
from torch.optim import Optimizer

from genair.config import PRECISIONS
from genair.device import DTYPES, dtype_name, resolve_dtype
from genair.errors import UsageError


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


class Precision:
    """How a run computes.

    Attributes:
        autocast: context of what may be computed in 16 bits.
        scaler: keeps small gradients of fp16 from becoming zero; otherwise idle.
    """

    def __init__(self, name: str, device: torch.device) -> None:
        """Take the setting, and where to compute."""
        dtype: torch.dtype = getattr(torch, DTYPES[name])
        self.autocast = torch.autocast(device.type, dtype, enabled=name != "fp32")
        self.scaler = torch.amp.GradScaler(device.type, enabled=name == "fp16")

    def step(self, loss: Tensor, optimizer: Optimizer) -> None:
        """Move the weights down the gradient of a loss."""
        optimizer.zero_grad()
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self.scaler.step(optimizer)
        self.scaler.update()
