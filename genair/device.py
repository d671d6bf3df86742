"""What this machine offers: cores and memory that may be used, and the torch device a name stands for."""

import hashlib
import os
import platform
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from genair.errors import UsageError

if TYPE_CHECKING:
    import torch

_PROC = Path("/proc")
_CGROUP_V2 = Path("/sys/fs/cgroup")
DTYPES = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}


def usable_cores(cpu_max: Path = _CGROUP_V2 / "cpu.max") -> int:
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


def available_memory(proc: Path = _PROC, cgroup: Path = _CGROUP_V2) -> int | None:
    """Return the bytes that can be taken without swapping, capped by a cgroup v2 limit; None if unknown."""
    found = []
    with suppress(OSError, KeyError, ValueError):  # not Linux
        found.append(_table(proc / "meminfo")["MemAvailable"] * 1024)
    with suppress(OSError, ValueError):  # no cgroup v2 here, or limit "max"
        used = int((cgroup / "memory.current").read_text())
        spare = _table(cgroup / "memory.stat").get("inactive_file", 0)  # files: given back when asked for
        found.append(max(0, int((cgroup / "memory.max").read_text()) - used + spare))
    return min(found, default=None)


def free_on(device: str) -> int | None:
    """Return the free bytes where torch would compute; None if unknown."""
    if not device.startswith("cuda"):
        return available_memory()
    import torch

    return int(torch.cuda.mem_get_info(torch.device(device))[0])


def release_memory() -> None:
    """Give the system back what is free between pieces in use, which glibc keeps; elsewhere nothing."""
    import ctypes

    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def processor(proc: Path = _PROC) -> str:
    """Return what this processor is and can do: its name, and 8 hex digits for its instructions."""
    try:
        lines = [line.partition(":") for line in (proc / "cpuinfo").read_text().split("\n")]
    except OSError:  # not Linux
        return f"{platform.machine()} {platform.processor()}".strip()
    fields = {name.strip(): value.strip() for name, _, value in reversed(lines)}
    name = fields.get("model name") or platform.machine()
    skills = " ".join(sorted((fields.get("flags") or fields.get("Features") or "").split()))
    return f"{name} {hashlib.sha256(skills.encode()).hexdigest()[:8]}"


def _table(path: Path) -> dict[str, int]:
    """Return the numbers of a kernel file by the words before them."""
    rows = (line.replace(":", " ").split() for line in path.read_text().split("\n"))
    return {row[0]: int(row[1]) for row in rows if len(row) > 1}


def resolve_device(name: str, *, float64: bool = False) -> "torch.device":
    """Return the torch device for `auto`, `cpu`, `cuda`, `cuda:1` or `mps`.

    Args:
        name: what is asked for.
        float64: whether it must have float64, which mps lacks.

    Raises:
        UsageError: the name is not a device, this machine has none like it, or it lacks float64.
    """
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() and not float64 else "cpu")
    try:
        device = torch.device(name)
        if float64 and device.type == "mps":
            raise UsageError(f"device {name!r} has no float64, which this needs: try --device cpu")
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, ImportError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"device {name!r} cannot be used here ({reason}): try --device cpu") from error
    return device


def resolve_dtype(name: str, device: "torch.device") -> "torch.dtype":
    """Return the torch type for `auto`, `bf16`, `fp16` or `fp32`; auto is bf16 on a CUDA card that has it.

    Raises:
        UsageError: the name is none of these.
    """
    import torch

    if name == "auto":
        name = "bf16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "fp32"
    if name not in DTYPES:
        raise UsageError(f"unknown dtype {name!r}: choose from auto, {', '.join(DTYPES)}")
    dtype: torch.dtype = getattr(torch, DTYPES[name])
    return dtype


def dtype_name(dtype: "torch.dtype") -> str:
    """Return `bf16`, `fp16` or `fp32`."""
    return next(name for name, long in DTYPES.items() if str(dtype) == f"torch.{long}")
