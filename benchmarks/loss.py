"""The paper's loss, exactly: the sparse form against a dense one and against a loop over pairs, in one run.

    python benchmarks/loss.py            # n = 500, 1000, 2000; writes benchmarks/results/loss.json

Each row gives seconds for value and gradient, and how far the values are apart (relative).
"""

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from genair.calibrate.objectives.paper import WeightedRepulsion
from genair.data.association import Pairs

DIM, PAIRS_PER_ITEM, GAMMA = 128, 20, 4.0
RESULT = Path(__file__).parent / "results" / "loss.json"


def random_pairs(n: int, rng: np.random.Generator) -> Pairs:
    """Return about `PAIRS_PER_ITEM` pairs an item with random scores."""
    ends = rng.integers(0, n, (n * PAIRS_PER_ITEM, 2))
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


def loop(unit: Tensor, weights: Tensor) -> Tensor:
    """Return the loss by a Python loop over pairs of items."""
    total = unit.new_zeros(())
    for i in range(len(unit)):
        for j in range(i + 1, len(unit)):
            total = total + 2 * weights[i, j] * (unit[i] - unit[j]).pow(2).sum()
    return -total / (len(unit) * (len(unit) - 1))


def timed(function: Callable[[Tensor], Tensor], vectors: Tensor) -> tuple[float, float]:
    """Return (value, seconds) of one pass forward and back."""
    leaf = vectors.clone().requires_grad_()
    start = time.perf_counter()
    value = function(functional.normalize(leaf, dim=1))
    value.backward()
    return value.item(), time.perf_counter() - start


def main() -> None:
    """Measure and write."""
    rows = []
    rng = np.random.default_rng(0)
    generator = torch.Generator()
    for n, with_loop in ((500, True), (1000, False), (2000, False)):
        vectors = torch.randn(n, DIM, generator=torch.Generator().manual_seed(n))
        pairs = random_pairs(n, rng)
        weights = dense_weights(pairs, n)
        objective = WeightedRepulsion(pairs, n, GAMMA)
        sparse_loss = lambda unit, objective=objective: objective(unit, generator)  # noqa: E731
        timed(sparse_loss, vectors)
        value, seconds = timed(sparse_loss, vectors)
        dense_value, dense_seconds = timed(lambda unit, w=weights: dense(unit, w), vectors)
        row = {"items": n, "pairs": len(pairs), "sparse_s": seconds, "dense_s": dense_seconds}
        row["dense_difference"] = abs(value - dense_value) / abs(value)
        if with_loop:
            loop_value, row["loop_s"] = timed(lambda unit, w=weights: loop(unit, w), vectors)
            row["loop_difference"] = abs(value - loop_value) / abs(value)
        rows.append(row)
        print(json.dumps(row))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
