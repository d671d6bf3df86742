"""The whole stage: blocks of histories in, blocks of recommendations out, rows made of them.

Users of a block are scored by length, so that little is computed for padding; their order stays. Scores may
differ in the last digits from block to block: kernels round by the shapes of what they are given.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from genair.config import RecommendConfig
from genair.data.padding import batches_of_like_length, pad_histories
from genair.data.sequences import Sequences
from genair.errors import InputError
from genair.evaluate.ranking import Scorer
from genair.evaluate.top import top_k

Indices = npt.NDArray[np.int64]
_ANSWERS = 1 << 20  # items in the answers of a block, at most, if it has more than one user


@dataclass(frozen=True)
class Recommended:
    """What the users of a block get.

    Attributes:
        user_ids: outside ids.
        scores: float32, shape (users, k), best first; -inf behind a user's last item.
        rows: int64, shape (users, k): items as rows of the catalogue, 0 at first.
    """

    user_ids: Sequence[str]
    scores: npt.NDArray[np.float32]
    rows: Indices

    def to_rows(
        self, item_ids: Sequence[str], fields: Sequence[Mapping[str, Any]] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Yield the line of each user.

        Args:
            item_ids: the catalogue.
            fields: what else to say of each of its items.
        """
        more = [{}] * len(item_ids) if fields is None else fields
        counts = (self.scores > -np.inf).sum(axis=1).tolist()
        for user_id, n, rows, scores in zip(
            self.user_ids, counts, self.rows.tolist(), self.scores, strict=True
        ):
            best = zip(rows[:n], scores[:n], strict=True)
            items = [{"item_id": item_ids[row], "score": score, **more[row]} for row, score in best]
            yield {"user_id": user_id, "items": items}


def recommend(
    scorer: Scorer,
    blocks: Iterable[Sequences],
    max_length: int,
    config: RecommendConfig,
    batch_size: int | None = None,
) -> Iterator[Recommended]:
    """Yield the best items of every user, block by block; of equal scores the earlier item of the catalogue.

    A user without events gets nothing. Blocks whose answers would be large come in parts.

    Args:
        scorer: see `genair.evaluate.ranking`.
        blocks: whole histories.
        max_length: most recent events the scorer sees.
        config: the stage's settings.
        batch_size: users scored together; see `batches_of_like_length`.

    Raises:
        InputError: a score is not a number.
    """
    for block in chain.from_iterable(_parts(whole, config.k) for whole in blocks):
        shape = len(block), min(config.k, block.n_items)
        scores, rows = np.full(shape, -np.inf, dtype=np.float32), np.zeros(shape, dtype=np.int64)
        for users in batches_of_like_length(block, batch_size):
            every = scorer(pad_histories(block, users, max_length))
            if not config.keep_seen:
                _hide(every, block.select(users, block.lengths()[users]))
            best, columns = top_k(every, config.k)
            if not (best < torch.inf).all():  # NaN sorts first, too
                raise InputError("scores are not finite: the model file is damaged")
            scores[users], rows[users] = best.cpu().numpy(), columns.cpu().numpy()
        yield Recommended(block.user_ids, scores, rows)


def _parts(block: Sequences, k: int) -> Iterator[Sequences]:
    """Yield the users of a block, so many together that their answers are not too large."""
    most = max(1, _ANSWERS // min(k, block.n_items))
    for start in range(0, len(block), most):
        users = np.arange(start, min(start + most, len(block)))
        yield block if len(users) == len(block) else block.select(users, block.lengths()[users])


def _hide(scores: Tensor, histories: Sequences) -> None:
    """Make the score of every item of a user's history -inf."""
    rows = np.repeat(np.arange(len(histories)), histories.lengths())
    at = torch.from_numpy(rows), torch.from_numpy(histories.items - 1)
    scores[at[0].to(scores.device), at[1].to(scores.device)] = -torch.inf
