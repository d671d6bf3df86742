"""Train once and write, as JSON, the bytes that were estimated and those that the process grew by."""

import json
import sys
from pathlib import Path

import numpy as np
import torch

from genair.config import TrainConfig
from genair.data.sequences import Sequences, leave_two_out
from genair.io.partial import scratch_partial
from genair.train.checkpoint import Checkpoints
from genair.train.loop import train_model
from genair.train.memory import estimate_memory


def has(field):
    """Return a size that the kernel tells of this process."""
    lines = Path("/proc/self/status").read_text().split("\n")
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


n_items, users, length, width, settings = json.loads(sys.argv[1])
rng = np.random.default_rng(0)
lengths = 3 + rng.geometric(1 / (length - 3), users)  # as logs have them: most short, few long
offsets = np.concatenate([[0], np.cumsum(lengths)])
items = rng.integers(1, n_items + 1, offsets[-1])
sequences = Sequences([str(user) for user in range(users)], offsets, items, n_items)
vectors = torch.randn(n_items, width) if width else None
config, cpu = TrainConfig(**settings), torch.device("cpu")
before = has("VmRSS")
Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
estimate = estimate_memory(config, sequences, width, "cpu")
with scratch_partial([], {}) as partial:
    train_model(leave_two_out(sequences), vectors, config, cpu, [].append, Checkpoints(partial))
sys.stdout.write(json.dumps([estimate.by_device("cpu")["cpu"], has("VmHWM") - before]))
