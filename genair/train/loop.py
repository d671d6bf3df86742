"""The training loop: epochs of batches, early stopping on validation NDCG@10 by full ranking."""

import time
from collections.abc import Callable

import torch
from torch import Tensor

from genair.config import TrainConfig
from genair.data.sequences import Held, Split
from genair.evaluate.metrics import mean_at
from genair.evaluate.ranking import rank_targets
from genair.models.base import Recommender, build_recommender, weights_of
from genair.train.checkpoint import Checkpoints
from genair.train.learner import Learner
from genair.train.progress import EpochRow, Progress, Trained
from genair.train.state import learned


def train_model(
    split: Split,
    vectors: Tensor | None,
    config: TrainConfig,
    device: torch.device,
    on_epoch: Callable[[EpochRow], None],
    checkpoints: Checkpoints | None = None,
) -> Trained:
    """Train a recommender from scratch, or from where its work was.

    Args:
        split: training sequences and validation events.
        vectors: frozen item vectors (items, z), row i for index i + 1; None for `--items id`.
        config: the stage's settings.
        device: where to compute.
        on_epoch: told the row of each epoch that is run here, once it is kept.
        checkpoints: what keeps each epoch; None keeps nothing.

    Raises:
        InputError: no user has two training events, joint training finds no associated items, or the loss
            stops being finite.
        UsageError: there is no such backbone, loss, sampler, schedule, objective or score.
    """
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(config.seed)
        model = build_recommender(config, split.train.n_items, vectors).to(device)
        learner = Learner(model, split.train, config)
        progress = checkpoints.restore(learner) if checkpoints else Progress()
        while not progress.is_over(config.epochs, config.patience):
            row = _epoch(learner, split.valid, config.max_length, progress.best)
            progress = Progress([*progress.rows, row], learned(model) if row.best else progress.weights)
            if checkpoints:
                checkpoints.save(learner, progress)
            on_epoch(row)
        return _finish(model, progress)


def _epoch(learner: Learner, valid: Held, max_length: int, best: EpochRow | None) -> EpochRow:
    start = time.perf_counter()
    loss = learner.epoch()
    ndcg = mean_at("ndcg", rank_targets(learner.model.eval().scorer(), valid, max_length), 10)
    told = learner.joint.end_epoch() if learner.joint else {}
    better = best is None or ndcg > best.valid_ndcg
    return EpochRow(learner.epochs, loss, ndcg, better, time.perf_counter() - start, **told)


def _finish(model: Recommender, progress: Progress) -> Trained:
    if progress.best is None:
        raise ValueError("no epoch ran")
    return Trained({**weights_of(model), **progress.weights}, tuple(progress.rows), progress.best)
