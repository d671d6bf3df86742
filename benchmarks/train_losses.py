"""What each loss of `genair train` reaches in a few epochs, and what an epoch of it takes.

    python benchmarks/train_losses.py beauty interactions.jsonl.gz [--epochs 5]
        [--users 0.02 --results FOLDER]

SASRec with an id table, 64 wide, 50 events, batches of 128 users, constant learning rate, seed 0: NDCG@10 of
validation events by full ranking after so many epochs, and the seconds of the fastest epoch, without
validation. Each row is a process of its own. Writes train-losses-NAME.json into benchmarks/results, or into
--results for a trial with a share of the users.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import torch
from histories import read_histories
from sheet import RESULTS, Row, Sheet, alone

from genair.config import TrainConfig
from genair.data.sequences import Split, leave_two_out
from genair.evaluate.metrics import mean_at
from genair.evaluate.ranking import rank_targets
from genair.models.base import build_recommender
from genair.train.learner import Learner

LOSSES = {
    "ce": TrainConfig(items="id"),
    "ce, bf16": TrainConfig(items="id", precision="bf16"),
    "sampled-ce, 256": TrainConfig(items="id", loss="sampled-ce", negatives=256),
    "sampled-ce, 1024": TrainConfig(items="id", loss="sampled-ce"),
    "sampled-ce, 2048": TrainConfig(items="id", loss="sampled-ce", negatives=2048),
    "sampled-ce, 2048 by popularity": TrainConfig(
        items="id", loss="sampled-ce", negatives=2048, sampler="popularity"
    ),
    "gbce, 1024": TrainConfig(items="id", loss="gbce"),
    "bce": TrainConfig(items="id", loss="bce"),
}


def measure(split: Split, config: TrainConfig, epochs: int) -> Row:
    """Train and validate."""
    torch.manual_seed(config.seed)
    model = build_recommender(config, split.train.n_items, None)
    learner, seconds = Learner(model, split.train, config), []
    for _ in range(epochs):
        start = time.perf_counter()
        learner.epoch()
        seconds.append(round(time.perf_counter() - start, 2))
    ranks = rank_targets(model.eval().scorer(), split.valid, config.max_length)
    return {"seconds": min(seconds), "epochs": epochs, "valid_ndcg": mean_at("ndcg", ranks, 10)}


def main() -> None:
    """Measure what has no row yet, or the one that is named, here."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("interactions")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--users", type=float, default=1.0, help="share of them")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--only", help="print this row, keep nothing")
    given = parser.parse_args()
    if given.only:
        split = leave_two_out(read_histories(given.interactions, given.users))
        print(json.dumps(measure(split, LOSSES[given.only], given.epochs)))
        return
    settings = {"users": given.users, "epochs": given.epochs, "torch": torch.__version__}
    sheet = Sheet(given.results / f"train-losses-{given.name}.json", settings)
    for title in LOSSES:
        words = [sys.executable, __file__, *sys.argv[1:], "--only", title]
        sheet.measure(title, lambda words=words: alone(words))


if __name__ == "__main__":
    main()
