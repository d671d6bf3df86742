"""The paper's loss, exactly: the sparse form against a dense one and against a loop over pairs, in one run.

    python benchmarks/loss.py                            # writes benchmarks/results/loss.json

Seconds are for value and gradient, one thread, 20 neighbours an item, 128 numbers a vector. The dense form
makes the tensor of all differences (items x items x 128), as published code does; beyond 2,000 items that no
longer fits here and is left out. The loop takes one pair of items after the other and calls backward once an
item, so that memory holds; of more than 2,000 items it runs for a random few rows, and its time is scaled by
their pairs (`loop_share`). Memory is what the process's peak (VmHWM) gained in one step, each size in a
process of its own.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from genair.calibrate.objectives.paper import WeightedRepulsion
from genair.data.association import Pairs

DIM, NEIGHBOURS, GAMMA = 128, 20, 4.0
SPEED, MEMORY = (1000, 2000, 5000), (10_000, 20_000, 40_000, 80_000)
MOST_DENSE, MOST_LOOPED = 2000, 2_000_000  # items, pairs
RESULT = Path(__file__).parent / "results" / "loss.json"


def random_pairs(n: int) -> Pairs:
    """Return random pairs, about `NEIGHBOURS` an item, with random scores."""
    rng = np.random.default_rng(n)
    ends = rng.integers(0, n, (n * NEIGHBOURS // 2, 2))
    rows, columns = np.unique(np.sort(ends[ends[:, 0] != ends[:, 1]], axis=1), axis=0).T
    return Pairs(rows, columns, rng.random(len(rows)))


def dense_weights(pairs: Pairs, n: int) -> Tensor:
    """Return w_ij as a matrix (n, n) with a zero diagonal."""
    weights = np.exp(-GAMMA * pairs.to_csr(n).toarray())
    np.fill_diagonal(weights, 0)
    return torch.from_numpy(weights).float()


def dense(unit: Tensor, weights: Tensor) -> Tensor:
    """Return the loss by a tensor of all differences, (n, n, d)."""
    distances = (unit[:, None] - unit[None, :]).pow(2).sum(dim=2)
    return -(weights * distances).sum() / (len(unit) * (len(unit) - 1))


def looped(vectors: Tensor, weights: Tensor) -> tuple[float, float, float]:
    """Return (value, seconds, share of the pairs) of a Python loop over pairs, forward and back."""
    n = len(vectors)
    rows = np.random.default_rng(0).permutation(n)
    ends = np.cumsum(n - 1 - rows)
    rows = rows[: np.searchsorted(ends, MOST_LOOPED) + 1]
    share = ends[len(rows) - 1] / (n * (n - 1) / 2)
    leaf, total = vectors.clone().requires_grad_(), 0.0
    start = time.perf_counter()
    unit = functional.normalize(leaf, dim=1)
    for i in rows.tolist():
        of_item = unit.new_zeros(())
        for j in range(i + 1, n):
            of_item = of_item + 2 * weights[i, j] * (unit[i] - unit[j]).pow(2).sum()
        loss = -of_item / (n * (n - 1))
        if i + 1 < n:
            loss.backward(retain_graph=True)
        total += loss.item()
    return total, (time.perf_counter() - start) / share, share


def timed(function: Callable[[Tensor], Tensor], vectors: Tensor) -> tuple[float, float]:
    """Return (value, seconds) of one pass forward and back, the best of three."""
    best = float("inf")
    for _ in range(3):
        leaf = vectors.clone().requires_grad_()
        start = time.perf_counter()
        value = function(functional.normalize(leaf, dim=1))
        value.backward()
        best = min(best, time.perf_counter() - start)
    return value.item(), best


def speed(n: int) -> dict[str, float]:
    """Compare the three at n items."""
    vectors = torch.randn(n, DIM, generator=torch.Generator().manual_seed(n))
    pairs, generator = random_pairs(n), torch.Generator()
    objective, weights = WeightedRepulsion(pairs, n, GAMMA), dense_weights(pairs, n)
    value, seconds = timed(lambda unit: objective(unit, generator), vectors)
    row: dict[str, float] = {"items": n, "pairs": len(pairs), "sparse_s": seconds}
    if n <= MOST_DENSE:
        dense_value, row["dense_s"] = timed(lambda unit: dense(unit, weights), vectors)
        row["dense_difference"] = abs(value - dense_value) / abs(value)
    loop_value, row["loop_s"], row["loop_share"] = looped(vectors, weights)
    if row["loop_share"] == 1:
        row["loop_difference"] = abs(value - loop_value) / abs(value)
    return row | {"loop_by_sparse": row["loop_s"] / seconds}


def memory(n: int) -> dict[str, float]:
    """Return how much one step adds to this process's peak, MiB."""
    vectors, pairs = torch.randn(n, DIM), random_pairs(n)
    before = peak()
    objective = WeightedRepulsion(pairs, n, GAMMA)
    objective(functional.normalize(vectors.requires_grad_(), dim=1), torch.Generator()).backward()
    return {"items": n, "pairs": len(pairs), "mib": round((peak() - before) / 1024, 1)}


def peak() -> int:
    """Return the most KiB this process ever held."""
    lines = Path("/proc/self/status").read_text().split("\n")
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def main() -> None:
    """Measure and write."""
    torch.set_num_threads(1)
    if len(sys.argv) > 1:
        print(json.dumps(memory(int(sys.argv[1]))))
        return
    found: dict[str, list[dict[str, float]]] = {"speed": [], "memory": []}
    for n in MEMORY:
        run = subprocess.run([sys.executable, __file__, str(n)], capture_output=True, check=True)
        found["memory"].append(json.loads(run.stdout))
    for n in SPEED:
        found["speed"].append(speed(n))
        print(json.dumps(found["speed"][-1]), flush=True)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
