"""The rank of each held-out item among the whole catalogue, or among a few sampled items.

Items of the user's history are left out of the catalogue, unless what was held keeps them; a target that is
in the history is a candidate in any case. Ties: mean rank, 1 + items above + half of the items level with the
target, so a constant score earns no metric by the order of the table.

The mean rank among m others is 1 + (m + s) / 2, where s sums sign(score - the target's score) over them: one
pass counts what is above and what is level. Items left out have a score of -inf, which adds 1 to m and -1 to
s, so they need not be counted. Sums of signs in float32 are exact up to 2^24 items.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from genair.data.padding import batches_of_like_length, pad_histories
from genair.data.sequences import Held, Indices, Sequences
from genair.errors import InputError

Ranks = npt.NDArray[np.float64]
Scorer = Callable[[Indices], Tensor]
"""Scores every item after histories (users, length) padded with 0 at the end: (users, items), its own."""


@dataclass(frozen=True)
class Block:
    """Scores of the items that some users might have next; whoever gets a block may change them.

    Attributes:
        users: rows of what was held, shape (block,).
        scores: (block, items); -inf for every item that is left out.
        targets: the target's column, (block, 1).
        wanted: the target's score, even if it is in the history, (block, 1).
    """

    users: Indices
    scores: Tensor
    targets: Tensor
    wanted: Tensor


def rank_targets(scorer: Scorer, held: Held, max_length: int, batch_size: int | None = None) -> Ranks:
    """Return each user's rank of the target in the whole catalogue, 1 at best; float64, shape (users,).

    Args and errors are those of `score_blocks`.
    """
    ranks = np.empty(len(held.targets))
    for block in score_blocks(scorer, held, max_length, batch_size):
        ranks[block.users] = ranks_in_catalogue(block)
    return ranks


@torch.no_grad()
def score_blocks(
    scorer: Scorer, held: Held, max_length: int, batch_size: int | None = None
) -> Iterator[Block]:
    """Yield every user's scores, users of like histories together.

    Args:
        scorer: of a recommender in evaluation mode, or anything that scores items.
        held: histories of one event or more, and targets.
        max_length: most recent events the scorer sees.
        batch_size: users scored together; None takes as many as 16 MiB of scores allow.

    Raises:
        InputError: a score is not finite.
    """
    for users in batches_of_like_length(held.histories, batch_size):
        scores = scorer(pad_histories(held.histories, users, max_length))
        _check_finite(scores)
        targets = torch.from_numpy(held.targets[users, None] - 1).to(scores.device)
        wanted = scores.gather(1, targets)
        if not held.keep_seen:
            scores[_seen(held.histories, users, scores.device)] = -torch.inf
        yield Block(users, scores, targets, wanted)


def ranks_in_catalogue(block: Block) -> Ranks:
    """Return the targets' ranks among all items that a block does not leave out; changes its scores."""
    scores = block.scores.scatter_(1, block.targets, block.wanted)
    return _mean_ranks(scores.sub_(block.wanted), others=scores.shape[1] - 1)


def ranks_among(block: Block, negatives: Indices) -> Ranks:
    """Return the targets' ranks among sampled items that no history holds: their indices, (block, n)."""
    columns = torch.from_numpy(negatives - 1).to(block.scores.device)
    return _mean_ranks(block.scores.gather(1, columns).sub_(block.wanted), others=negatives.shape[1])


def _mean_ranks(differences: Tensor, others: int) -> Ranks:
    """Return mean ranks, given the scores of others less the target's; changes them."""
    signs = differences.sign_().sum(dim=1, dtype=torch.float32).double()
    ranks: Ranks = (1 + (others + signs) / 2).cpu().numpy()
    return ranks


def _check_finite(scores: Tensor) -> None:
    """Look at each score only if their sum is not finite: the sum of finite numbers seldom is not."""
    if not torch.isfinite(scores.sum()) and not torch.isfinite(scores).all():
        raise InputError("scores are not finite: lower --learning-rate, or the model file is damaged")


def _seen(histories: Sequences, users: Indices, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return (row of the block, column of the scores) of every event in the whole histories."""
    some = histories.select(users, histories.lengths()[users])
    rows = np.repeat(np.arange(len(users)), some.lengths())
    return torch.from_numpy(rows).to(device), torch.from_numpy(some.items - 1).to(device)
