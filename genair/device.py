"""What this machine offers: cores that may really be used, and the torch device a name stands for."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from genair.errors import UsageError

if TYPE_CHECKING:
    import torch

_CGROUP_V2 = Path("/sys/fs/cgroup/cpu.max")


def usable_cores(cpu_max: Path = _CGROUP_V2) -> int:
    """Return the number of whole cores this process may use: affinity, capped by a cgroup v2 quota."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        cores = os.cpu_count() or 1
    try:
        quota, period = cpu_max.read_text().split()
        cores = min(cores, int(int(quota) / int(period)))
    except (OSError, ValueError):  # no cgroup v2 here, or quota "max"
        pass
    return max(1, cores)


def resolve_device(name: str) -> "torch.device":
    """Return the torch device for `auto`, `cpu`, `cuda`, `cuda:1` or `mps`.

    Raises:
        UsageError: the name is not a device, or this machine has none like it.
    """
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, ImportError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"device {name!r} cannot be used here ({reason}): try --device cpu") from error
    return device
