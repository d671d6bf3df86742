"""The settings of each backbone, chosen on validation events: as many trials for each, ids alone.

    python benchmarks/tuning.py beauty interactions.jsonl.gz [--backbones sasrec gru4rec bert4rec]
        [--trials base "half the rate"] [--seeds 0] [--users 0.02 --results FOLDER]

Each trial differs in one thing from its backbone's `BASES`, which earlier trials led to; its rate falls
linearly. Any of them can be made in bf16, which is as good, and faster where the processor has it. What
counts is the best validation NDCG@10 by full ranking, the mean over seeds; test events are not looked at.
Rows go to benchmarks/results/tuning-NAME.json as they come.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from histories import read_histories
from sheet import RESULTS, Row, Sheet

from genair.config import TrainConfig
from genair.data.sequences import Split, leave_two_out
from genair.train.loop import train_model

SHARED = TrainConfig(items="id", schedule="linear", learning_rate=0.002)
BASES: Mapping[str, Mapping[str, TrainConfig]] = {
    "beauty": {
        "sasrec": replace(SHARED, epochs=12),
        "gru4rec": replace(SHARED, backbone="gru4rec", epochs=12),
        "bert4rec": replace(SHARED, backbone="bert4rec", mask_probability=0.5, epochs=40),
    },
    "ml-100k": {"sasrec": replace(SHARED, epochs=60)},
    "yelp": {"sasrec": replace(SHARED, epochs=10)},
    "gift-cards": {"sasrec": replace(SHARED, epochs=20)},
}


def trials(base: TrainConfig) -> dict[str, TrainConfig]:
    """Return the settings to try, by what differs from the base."""
    longer = 2 * base.epochs
    found = {
        "base": base,
        "half the rate": replace(base, learning_rate=base.learning_rate / 2),
        "twice the rate": replace(base, learning_rate=base.learning_rate * 2),
        "twice the epochs": replace(base, epochs=longer),
        "dropout 0.5, twice the epochs": replace(base, dropout=0.5, epochs=longer),
        "128 wide": replace(base, dim=128),
        "batches of 32": replace(base, batch_size=32),
        "batches of 32, half the rate": replace(base, batch_size=32, learning_rate=base.learning_rate / 2),
    }
    return found | {f"{name}, bf16": replace(one, precision="bf16") for name, one in found.items()}


def measure(split: Split, config: TrainConfig, seeds: Sequence[int]) -> Row:
    """Train to the end of the schedule, with each seed."""
    start, found = time.perf_counter(), []
    for seed in seeds:
        config = replace(config, patience=config.epochs, seed=seed)
        found.append(train_model(split, None, config, torch.device("cpu"), lambda _: None).best)
    row: Row = {"valid_ndcg": sum(best.valid_ndcg for best in found) / len(found)}
    row |= {"best": max(best.epoch for best in found), "epochs": config.epochs, "seeds": len(seeds)}
    return row | {"seconds": round(time.perf_counter() - start)}


def main() -> None:
    """Try what has no row yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("name", choices=BASES)
    parser.add_argument("interactions")
    parser.add_argument("--backbones", nargs="+")
    every = list(trials(SHARED))
    parser.add_argument("--trials", nargs="+", choices=every, default=every[: len(every) // 2])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--users", type=float, default=1.0, help="share of them")
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args()
    bases = BASES[given.name]
    split = leave_two_out(read_histories(given.interactions, given.users))
    sheet = Sheet(given.results / f"tuning-{given.name}.json", {"users": given.users})
    for backbone in given.backbones or bases:
        for trial in given.trials:
            config = trials(bases[backbone])[trial]
            sheet.measure(f"{backbone}, {trial}", lambda config=config: measure(split, config, given.seeds))


if __name__ == "__main__":
    main()
