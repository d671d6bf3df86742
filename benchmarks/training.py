"""What calibration is worth once SASRec is trained: calibrated or not, joint or separate, few users or all.

    python benchmarks/training.py beauty EMB.h5 interactions.jsonl.gz [--seeds 0 1 2] [--shares 1 0.3 0.1]
        [--only "text" "text, calibrated"] [--jobs 2]

EMB.h5 is what `genair archetype ITEMS --embeddings EMB.h5` wrote, its `--item-type` beauty product, movie
or business. Of all users a share is drawn; their training events are all that calibration and training see,
and their validation events choose the epoch; test events are all users'. Full ranking, seen items left out,
and so are events of seen items.

The learning rate falls linearly. Rate, loss and epochs were chosen on validation events of all users, seed 0,
for each backbone and kind of items (`SETTINGS`, `EPOCHS`), and are the same whether calibrated or not: text
learns longer, and as well from drawn negatives as from the full softmax in a quarter of the time; ids are
better with the full softmax. With a share of the users there are 1 / sqrt(share) times the epochs. A row
ends early if a third of its epochs bring nothing better (rows with all of their epochs may be older than this
rule). Yelp is learned in bf16, which is as good there (`tuning.py`) in half the time. `refit` learns from
validation events, too, as published figures do that hold out one event a user.

`--jobs` rows are measured at once, each by one thread. They go to benchmarks/results/training-NAME.json as
they come, and to training-NAME.npz at which rank each user's test item came, 0 beyond the tenth; a row that
is there is not measured again. Pairs of interest are compared, over all seeds that both have, by Wilcoxon's
paired test on the users' means.
"""

import argparse
import json
import multiprocessing
import os
import threading
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from calibration import CANDIDATES
from histories import read_histories
from scipy import stats

from genair.calibrate.fit import calibrate
from genair.config import CalibrateConfig, GraphConfig, JointConfig, TrainConfig
from genair.data.sequences import Split, leave_two_out
from genair.evaluate.ranking import rank_targets
from genair.io.embeddings import read_table
from genair.models.base import restore_recommender
from genair.train.loop import train_model

RESULTS = Path(__file__).parent / "results"
JOINT = JointConfig(weight=0.1, items=1024)
SAME = replace(JOINT, gamma=CalibrateConfig.gamma, graph=GraphConfig())  # the graph and gamma of `calibrate`
FULL = {"schedule": "linear", "learning_rate": 0.004}
DRAWN = {"schedule": "linear", "learning_rate": 0.004, "loss": "sampled-ce", "negatives": 1024}
SETTINGS = {"id": FULL, "text": DRAWN, "text+id": FULL}
EPOCHS = {"ml-100k": {"id": 60, "text": 60, "text+id": 60}}  # by data set
OTHERS = {"id": 12, "text": 40, "text+id": 10}
PRECISION = {"yelp": "bf16"}  # by data set
BACKBONES: dict[str, dict[str, Any]] = {  # what differs from SASRec's settings
    "sasrec": {},
    "gru4rec": {"learning_rate": 0.002},
    "bert4rec": {"learning_rate": 0.004, "mask_probability": 0.5, "epochs": 40},
}


class Task(NamedTuple):
    """A row to measure."""

    model: str
    share: float
    seed: int

    def key(self) -> str:
        """Return what names the row."""
        return f"{self.model}/{self.share:g}/{self.seed}"


class Model(NamedTuple):
    """What stands for an item, how its vector is calibrated, what is trained jointly, and the rest.

    `noise` puts random numbers in the place of vectors: what is learned then is learned from events alone.
    """

    items: str
    calibration: str = ""  # name in `calibration.CANDIDATES`
    joint: JointConfig = JointConfig()
    refit: bool = False
    backbone: str = "sasrec"
    noise: bool = False


MODELS = {
    "id": Model("id"),
    "text": Model("text"),
    "text, calibrated": Model("text", "spectral"),
    "text, calibrated to 256": Model("text", "spectral, 256 numbers"),
    "text, joint": Model("text", joint=JOINT),
    "text, joint on the same graph": Model("text", joint=SAME),
    "text, joint alignment": Model("text", joint=replace(SAME, objective="alignment")),
    "text+id": Model("text+id"),
    "text+id, calibrated": Model("text+id", "spectral"),
    "text+id, calibrated to 256": Model("text+id", "spectral, 256 numbers"),
    "text+id, joint": Model("text+id", joint=JOINT),
    "text+id, joint alignment": Model("text+id", joint=replace(SAME, objective="alignment")),
    "text, alignment": Model("text", "alignment, residual"),
    "text, contrastive": Model("text", "contrastive, residual"),
    "text, noise": Model("text", noise=True),
    "id, refit": Model("id", refit=True),
    "id, gru4rec": Model("id", backbone="gru4rec"),
    "id, bert4rec": Model("id", backbone="bert4rec"),
}
COMPARED = [
    *((name, one.items) for name, one in MODELS.items() if one.items not in (name, "id")),
    ("text, calibrated", "text, calibrated to 256"),
    ("text, calibrated", "id"),
    ("text+id, calibrated", "id"),
]


def share_of(split: Split, share: float) -> Split:
    """Return the split whose training and validation events are those of a random share of the users."""
    if share >= 1:
        return split
    chosen = np.random.default_rng(0).random(len(split.train)) < share
    names = {split.train.user_ids[user] for user in np.flatnonzero(chosen).tolist()}
    users = np.flatnonzero(chosen)
    held = np.asarray([user for user, name in enumerate(split.valid.histories.user_ids) if name in names])
    train = split.train.select(users, split.train.lengths()[users])
    known = split.known.select(users, split.known.lengths()[users])
    return Split(train, split.valid.select(held), split.test, known)


def settings(name: str, kind: Model, share: float, seed: int) -> TrainConfig:
    """Return how a model is trained on a data set of which there is a share of the users."""
    epochs, precision = EPOCHS.get(name, OTHERS)[kind.items], PRECISION.get(name, "fp32")
    differs = {"epochs": epochs, "precision": precision, **SETTINGS[kind.items], **BACKBONES[kind.backbone]}
    differs["epochs"] = round(differs["epochs"] / share**0.5)
    differs["patience"] = round(differs["epochs"] / 3)
    return TrainConfig(kind.backbone, kind.items, **differs, joint=kind.joint, refit=kind.refit, seed=seed)


def read(given: argparse.Namespace) -> tuple[np.ndarray, Split]:
    """Return the item vectors and the events of all users."""
    table = read_table(Path(given.embeddings), given.embeddings)
    return table.vectors, leave_two_out(read_histories(given.interactions, 1, list(table.item_ids)))


def run(given: argparse.Namespace, task: Task) -> tuple[dict[str, object], np.ndarray]:
    """Train by one thread; return figures, and the ranks of the test events."""
    torch.set_num_threads(1)
    vectors, whole = read(given)
    split, kind = share_of(whole, task.share), MODELS[task.model]
    config = settings(given.name, kind, task.share, task.seed)
    start = time.perf_counter()
    if kind.calibration:
        how = replace(CANDIDATES[kind.calibration], seed=task.seed)
        vectors = calibrate(vectors, split.train, how, None, split.valid).vectors
    if kind.noise:
        vectors = np.random.default_rng(task.seed).standard_normal(vectors.shape, dtype=np.float32)
    table = None if config.items == "id" else torch.from_numpy(vectors)
    trained = train_model(
        split,
        table,
        config,
        torch.device("cpu"),
        lambda row: print(task.key(), row.epoch, row.words(), flush=True),
    )
    recommender = restore_recommender(config.settings(), trained.weights, split.train.n_items)
    ranks = rank_targets(recommender.scorer(), split.test, config.max_length)
    row: dict[str, object] = {"seconds": round(time.perf_counter() - start), "epochs": len(trained.epochs)}
    return row | {"best": trained.best.epoch, "valid_ndcg": trained.best.valid_ndcg}, ranks


def gains_of(ranks: np.ndarray) -> np.ndarray:
    """Return NDCG@10 of each rank; 0 is a rank beyond ten."""
    shown = (ranks > 0) & (ranks <= 10)
    return np.where(shown, 1 / np.log2(ranks.astype(float) + 1, where=shown, out=np.ones(len(ranks))), 0.0)


def tail_of(split: Split) -> np.ndarray:
    """Return which test events ask for an item that is not among the fifth most frequent in training."""
    counts = np.bincount(split.train.items, minlength=split.train.n_items + 1)[1:]
    head = np.argsort(-counts, kind="stable")[: max(1, len(counts) // 5)]
    return ~np.isin(split.test.targets - 1, head)


def compare(ranks: dict[str, np.ndarray], share: float) -> dict[str, dict[str, float]]:
    """Return mean gain and p of each pair of interest, over the seeds that both have."""
    found = {}
    for one, other in COMPARED:
        seeds = [key.split("/")[2] for key in ranks if key.startswith(f"{one}/{share:g}/")]
        both = [seed for seed in seeds if f"{other}/{share:g}/{seed}" in ranks]
        if both:
            means = [
                np.mean([gains_of(ranks[f"{name}/{share:g}/{seed}"]) for seed in both], axis=0)
                for name in (one, other)
            ]
            gain = means[0] - means[1]
            p = stats.wilcoxon(gain).pvalue if gain.any() else 1.0
            found[f"{one} - {other}/{share:g}"] = {"seeds": len(both), "gain": gain.mean(), "p": float(p)}
    return found


def end_with_parent() -> None:
    """Have this worker stop at once if its parent was killed, instead of finishing a row nobody keeps."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


def main() -> None:
    """Train what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("embeddings")
    parser.add_argument("interactions")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--shares", type=float, nargs="+", default=[1.0, 0.3, 0.1])
    parser.add_argument("--only", nargs="+", default=list(MODELS))
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args()
    tail = tail_of(read(given)[1])
    result, kept = (RESULTS / f"training-{given.name}.{suffix}" for suffix in ("json", "npz"))
    sheet = json.loads(result.read_text()) if result.is_file() else {"rows": {}, "compared": {}}
    ranks = dict(np.load(kept)) if kept.is_file() else {}
    wanted = (Task(model, s, seed) for seed in given.seeds for s in given.shares for model in given.only)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(given.jobs, spawn, initializer=end_with_parent) as pool:
        works = {pool.submit(run, given, task): task for task in wanted if task.key() not in ranks}
        for work in as_completed(works):
            key, (row, found) = works[work].key(), work.result()
            ranks[key] = np.where(found <= 10, found, 0).astype(np.float16)  # halves at most: exact
            gains = gains_of(ranks[key])
            row |= {"ndcg": gains.mean(), "hr": (gains > 0).mean(), "tail_ndcg": gains[tail].mean()}
            sheet["rows"][key] = row | {"users": len(gains)}
            sheet["compared"] |= compare(ranks, works[work].share)
            np.savez_compressed(kept, **ranks)
            result.write_text(json.dumps(sheet, indent=1) + "\n")
            print(key, json.dumps(sheet["rows"][key]), flush=True)


if __name__ == "__main__":
    main()
