"""An epoch in the paper's setting: genair's steps beside a step that does what the published code does.

    python benchmarks/paper.py beauty interactions.jsonl.gz [--steps 8]
        [--users 0.02 --results FOLDER]

The setting: SASRec of 2 blocks, 128 wide, dropout .5, histories of 200 events, batches of 128 users, frozen
text vectors through the adapter, binary cross-entropy with one negative, and 1e-4 times the calibration.
Only time and memory are looked at, so vectors are random numbers, 768 an item as `genair embed` gives by
default. genair calibrates each step's own items, 1,024 random ones, or the whole catalogue; a row is in bf16.

`as published` is a re-implementation of what costs there, on genair's own layers: histories padded to 200,
and padding computed and attended to like events; the adapter over every position, padding too, for what came
before, what came and what did not, and once more over what came, for calibration; that over all events of a
batch, the ids of each pair taken out of NumPy's arrays and its weight out of a dictionary one by one, and a
tensor of all differences (events x events x 128). Its seconds are the mean of a few steps after a first one,
times an epoch's steps.
A step of the published code itself was once measured at about 5.0 s (`CITED`), on two other cores.

An epoch is one pass over the training events, without validation; the fastest of two counts. Every row is a
process of its own. Writes paper-NAME.json into benchmarks/results, or into --results for a trial with a share
of the users.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from histories import read_histories
from sheet import RESULTS, Row, Sheet, alone
from torch import Tensor
from torch.nn import functional

from genair.config import JointConfig, TrainConfig
from genair.data.association import associate
from genair.data.padding import pad_histories
from genair.data.sequences import Split, leave_two_out
from genair.models.base import Recommender, build_recommender
from genair.train.learner import Learner

ALPHA, GAMMA, EPOCHS, WIDTH = 1e-4, 4.0, 2, 768
CITED = {"step_s": 5.0, "steps": 175}
CONFIG = TrainConfig(
    items="text", loss="bce", dim=128, blocks=2, dropout=0.5, max_length=200, joint=JointConfig(alpha=ALPHA)
)
OTHERS = {"1024 random items": 1024, "whole catalogue": 0}  # that a step may calibrate instead of its own


def made(split: Split, vectors: Tensor, config: TrainConfig) -> tuple[Recommender, Learner]:
    """Return an untrained model and what trains it."""
    torch.manual_seed(config.seed)
    model = build_recommender(config, split.train.n_items, vectors)
    return model, Learner(model, split.train, config)


def epochs(split: Split, vectors: Tensor, config: TrainConfig) -> Row:
    """Return the seconds of genair's epochs."""
    _, learner = made(split, vectors, config)
    row: Row = {"seconds": [], "cpu_seconds": []}
    for _ in range(EPOCHS):
        start, cpu = time.perf_counter(), time.process_time()
        learner.epoch()
        row["seconds"].append(round(time.perf_counter() - start, 2))
        row["cpu_seconds"].append(round(time.process_time() - cpu, 2))
    return row


def calibration(embedded: Tensor, items: np.ndarray, weights: dict[tuple[int, int], float]) -> Tensor:
    """Return the paper's loss over events, whose items may repeat, one pair after the other."""
    count = len(items)
    pairs = np.triu_indices(count, 1)
    looked_up = [weights.get((int(items[i]), int(items[j])), 1.0) for i, j in zip(*pairs, strict=True)]
    both = torch.ones(count, count)
    for one, other in (pairs, pairs[::-1]):
        both[torch.from_numpy(one), torch.from_numpy(other)] = torch.tensor(looked_up)
    unit = functional.normalize(embedded, dim=1)
    distances = (unit[:, None] - unit[None, :]).pow(2).sum(dim=2)
    return -(both * (1 - torch.eye(count)) * distances).sum() / (count * (count - 1))


def published_loss(
    model: Recommender, whole: Tensor, negatives: Tensor, weights: dict[tuple[int, int], float]
) -> Tensor:
    """Return the loss of padded histories (users, length + 1), given as many negatives as inputs."""
    vectors = functional.pad(model.items.vectors, (0, 0, 1, 0))
    inputs, targets = whole[:, :-1], whole[:, 1:]
    events, came, other = (model.items.adapter(vectors[indices]) for indices in (inputs, targets, negatives))
    states, present = model.backbone(events, torch.ones_like(inputs, dtype=torch.bool)), targets != 0
    wanted, unwanted = ((states * items).sum(dim=2)[present] for items in (came, other))
    loss = -(functional.logsigmoid(wanted) + functional.logsigmoid(-unwanted)).mean()
    again = model.items.adapter(vectors[targets[present]])
    return loss + ALPHA * calibration(again, targets[present].numpy(), weights)


def published(split: Split, vectors: Tensor, steps: int) -> Row:
    """Return the seconds of an epoch of such steps."""
    model, learner = made(split, vectors, CONFIG)
    pairs, train = associate(split.train, CONFIG.joint.graph), split.train
    ends = zip((pairs.rows + 1).tolist(), (pairs.columns + 1).tolist(), strict=True)
    half = dict(zip(ends, np.exp(-GAMMA * pairs.scores).tolist(), strict=True))
    weights = half | {(j, i): weight for (i, j), weight in half.items()}
    order = np.random.default_rng(0).permutation(len(train))
    seconds, cpu_seconds = [], []
    for step in range(steps + 1):
        users = order[step * CONFIG.batch_size : (step + 1) * CONFIG.batch_size]
        whole = torch.zeros(len(users), CONFIG.max_length + 1, dtype=torch.int64)
        recent = torch.from_numpy(pad_histories(train, users, CONFIG.max_length + 1))
        whole[:, : recent.shape[1]] = recent
        negatives = torch.randint(1, train.n_items + 1, (len(users), CONFIG.max_length))
        start, cpu = time.perf_counter(), time.process_time()
        learner.optimizer.zero_grad()
        published_loss(model.train(), whole, negatives, weights).backward()
        learner.optimizer.step()
        seconds.append(time.perf_counter() - start)
        cpu_seconds.append(time.process_time() - cpu)
    seconds, cpu_seconds = seconds[1:], cpu_seconds[1:]
    an_epoch = math.ceil(len(train) / CONFIG.batch_size)
    return {
        "seconds": [round(float(np.mean(seconds)) * an_epoch, 2)],
        "cpu_seconds": [round(float(np.mean(cpu_seconds)) * an_epoch, 2)],
        "step_s": [round(step, 3) for step in seconds],
    }


def rows_of(split: Split, vectors: Tensor, steps: int) -> dict[str, Callable[[], Row]]:
    """Return what is measured, by title."""
    others = {
        f"genair, {name}": replace(CONFIG, joint=replace(CONFIG.joint, items=items))
        for name, items in OTHERS.items()
    }
    return {
        "genair": partial(epochs, split, vectors, CONFIG),
        "as published": partial(published, split, vectors, steps),
        "genair, bf16": partial(epochs, split, vectors, replace(CONFIG, precision="bf16")),
        **{title: partial(epochs, split, vectors, config) for title, config in others.items()},
    }


def main() -> None:
    """Measure what has no row yet, or the one that is named, here."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("interactions")
    parser.add_argument("--users", type=float, default=1.0, help="share of them")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--only", help="print this row, keep nothing")
    given = parser.parse_args()
    split = leave_two_out(read_histories(given.interactions, given.users))
    vectors = torch.randn(split.train.n_items, WIDTH, generator=torch.Generator().manual_seed(0))
    works = rows_of(split, vectors, given.steps)
    if given.only:
        print(json.dumps(works[given.only]()))
        return
    data = {"users": len(split.train), "items": split.train.n_items, "events": len(split.train.items)}
    data["width"] = WIDTH
    sheet = Sheet(
        given.results / f"paper-{given.name}.json", {**data, "cited": CITED, "torch": torch.__version__}
    )
    for title in works:
        sheet.measure(
            title, lambda only=title: alone([sys.executable, __file__, *sys.argv[1:], "--only", only])
        )
    theirs = min(sheet.rows["as published"]["seconds"])
    for title in ("genair", "genair, bf16"):
        own, cited = min(sheet.rows[title]["seconds"]), CITED["step_s"] * CITED["steps"]
        print(f"{title}: as published takes {theirs / own:.1f} times as long; cited {cited / own:.1f}")


if __name__ == "__main__":
    main()
