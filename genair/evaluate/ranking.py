"""The rank of each held-out item among the whole catalogue.

Items of the user's history are left out of the ranking (the target itself never is, even if it was consumed
before). Ties: mean rank, 1 + items above + half of the items level with the target, so a constant score
earns no metric by the order of the table.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from genair.data.padding import pad_histories
from genair.data.sequences import Held, Sequences
from genair.errors import InputError

Ranks = npt.NDArray[np.float64]
Scorer = Callable[[npt.NDArray[np.int64]], Tensor]
"""Scores every item after histories (users, length) padded with 0 at the end: (users, items), its own."""


@torch.no_grad()
def rank_targets(scorer: Scorer, held: Held, max_length: int, batch_size: int = 128) -> Ranks:
    """Return each user's rank of the target, 1 at best; float64, shape (users,).

    Args:
        scorer: of a recommender in evaluation mode, or anything that scores items.
        held: histories and targets.
        max_length: most recent events the scorer sees.
        batch_size: users scored together; memory is batch_size times items.

    Raises:
        InputError: a score is not finite.
    """
    ranks = np.empty(len(held.targets))
    for start in range(0, len(ranks), batch_size):
        users = np.arange(start, min(start + batch_size, len(ranks)))
        scores = scorer(pad_histories(held.histories, users, max_length))
        if not torch.isfinite(scores).all():
            raise InputError("scores are not finite: lower --learning-rate, or the model file is damaged")
        targets = torch.from_numpy(held.targets[users] - 1).to(scores.device)
        seen = _seen(held.histories, users, scores.device)
        ranks[users] = _mean_ranks(scores, targets, *seen).cpu().numpy()
    return ranks


def _seen(histories: Sequences, users: npt.NDArray[np.int64], device: torch.device) -> tuple[Tensor, Tensor]:
    """Return (row of the block, column of the scores) of every event in the whole histories."""
    some = histories.select(users, histories.lengths()[users])
    rows = np.repeat(np.arange(len(users)), some.lengths())
    return torch.from_numpy(rows).to(device), torch.from_numpy(some.items - 1).to(device)


def _mean_ranks(scores: Tensor, targets: Tensor, seen_rows: Tensor, seen_columns: Tensor) -> Tensor:
    """Return mean ranks; changes `scores`."""
    wanted = scores.gather(1, targets[:, None])
    scores[seen_rows, seen_columns] = -torch.inf
    scores.scatter_(1, targets[:, None], -torch.inf)
    above = (scores > wanted).sum(dim=1)
    level = (scores == wanted).sum(dim=1)
    return 1 + above.double() + level.double() / 2
