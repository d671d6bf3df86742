"""What a space is worth as it is, without training: the next item is near the last ones.

Items are ranked by cosine to the mean of the unit vectors of a user's last event, or last five; the whole
catalogue is ranked, what the user had is left out (`genair.evaluate.ranking`).
"""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from genair.data.sequences import Held
from genair.evaluate.metrics import mean_at
from genair.evaluate.ranking import Scorer, rank_targets

Vectors = npt.NDArray[np.float32]
RECENT = (1, 5)
_CUTOFF = 10
_QUERIES, _USERS = 1000, 5000
_BLOCK = 64  # queries at a time


def nearest(unit: Vectors) -> Scorer:
    """Return what scores items by cosine to the mean of a history's vectors; unit vectors (items, dim)."""
    items = torch.from_numpy(unit)
    table = torch.cat([items.new_zeros(1, items.shape[1]), items])

    def score(histories: npt.NDArray[np.int64]) -> Tensor:
        means = functional.embedding(torch.from_numpy(histories), table).sum(dim=1)
        return functional.normalize(means, dim=1) @ items.T

    return score


def transfer_ndcg(unit: Vectors, held: Held, seed: int) -> float:
    """Return NDCG@10 of held events by `nearest`, of the better number of recent events.

    Args:
        unit: unit vectors (items, dim).
        held: histories and targets.
        seed: of the users who are asked, 5,000 at most.
    """
    users = np.random.Generator(np.random.PCG64(seed)).permutation(len(held.targets))[:_USERS]
    some = held.select(users)
    scorer = nearest(unit)
    return max(mean_at("ndcg", rank_targets(scorer, some, recent), _CUTOFF) for recent in RECENT)


def neighbours_kept(before: Vectors, after: Vectors, seed: int) -> float:
    """Return the share of items' ten nearest that are so in both spaces of unit vectors (items, dim).

    Args:
        before: one space.
        after: the other.
        seed: of the items that are looked up, 1,000 at most.
    """
    k = min(_CUTOFF, len(before) - 1)
    rows = np.random.Generator(np.random.PCG64(seed)).permutation(len(before))[:_QUERIES]
    one, other = (_nearest(space, rows, k) for space in (before, after))
    return float(np.mean([len(np.intersect1d(*pair)) / k for pair in zip(one, other, strict=True)]))


def _nearest(unit: Vectors, rows: npt.NDArray[np.int64], k: int) -> npt.NDArray[np.int64]:
    """Return the k nearest of some items, shape (rows, k)."""
    found = np.empty((len(rows), k), dtype=np.int64)
    for start in range(0, len(rows), _BLOCK):
        some = rows[start : start + _BLOCK]
        apart = -(unit[some] @ unit.T)
        apart[np.arange(len(some)), some] = np.inf
        found[start : start + _BLOCK] = np.argpartition(apart, k - 1, axis=1)[:, :k]
    return found
