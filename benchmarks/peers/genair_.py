"""genair's SASRec, as peers.py asks for it; run by peers.py."""

import numpy as np
import torch
from work import Stopwatch, Work, answer

from genair.config import TrainConfig
from genair.data.sequences import Held, Sequences
from genair.evaluate.lists import best_items
from genair.evaluate.ranking import score_blocks
from genair.models.base import build_recommender
from genair.train.learner import Learner


def sequences(histories: list[np.ndarray], n_items: int) -> Sequences:
    """Return histories as genair holds them."""
    offsets = np.cumsum([0, *map(len, histories)])
    return Sequences(
        [str(user) for user in range(len(histories))], offsets, np.concatenate(histories), n_items
    )


def main() -> None:
    """Train, then list."""
    work, watch = Work.given(), Stopwatch()
    settings = {name: value for name, value in work.settings.items() if name not in ("k", "threads")}
    config = TrainConfig(items="id", loss="ce", **settings)
    torch.manual_seed(config.seed)
    model = build_recommender(config, work.n_items, None)
    learner = Learner(model, sequences(work.train, work.n_items), config)
    for _ in range(config.epochs):
        watch.start()
        learner.epoch()
        watch.stop()
    k = work.settings["k"]
    held = Held(sequences(work.test, work.n_items), np.asarray([1] * len(work.test)))
    lists = np.zeros((len(work.test), k), dtype=np.int64)
    for block in score_blocks(model.eval().scorer(), held, config.max_length):
        lists[block.users] = best_items(block, k)
    answer(work, watch, lists)


if __name__ == "__main__":
    main()
