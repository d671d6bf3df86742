"""The training loop: epochs of batches, early stopping on validation NDCG@10 by full ranking, and the refit.

Early stopping finds how many epochs are best; a refit then learns anew, from validation events, too. What is
served should know what users did last, and so does whatever was published with one event a user held out, or
with validation events of a few users only.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from genair.config import TrainConfig
from genair.data.sequences import Sequences, Split
from genair.errors import InputError, UsageError
from genair.evaluate.metrics import mean_at
from genair.evaluate.ranking import rank_targets
from genair.io.container import Array
from genair.models.base import build_recommender, weights_of
from genair.train.checkpoint import Checkpoints
from genair.train.divergence import not_finite
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
        UsageError: there is no such backbone, loss, sampler, schedule, objective or score, or more epochs
            are done than there are to be.
    """
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        run = _Run(split, vectors, config, device, on_epoch, checkpoints)
        model = run.search().model
        if config.refit:
            del model  # its memory is for the other
            model = run.refit().model
        progress, dropped = run.progress, run.dropped
        weights = {**weights_of(model), **progress.weights}
        searched, best = tuple(progress.searched), progress.stopped_at()
        return Trained(weights, searched, best, len(progress.refitted), dropped)


@dataclass
class _Run:
    """A call of `train_model`; `progress` is what it has come to, `dropped` as in `Trained`."""

    split: Split
    vectors: Tensor | None
    config: TrainConfig
    device: torch.device
    on_epoch: Callable[[EpochRow], None]
    checkpoints: Checkpoints | None

    def __post_init__(self) -> None:
        """Take what was kept."""
        self.progress = self.checkpoints.progress if self.checkpoints else Progress()
        self.dropped = 0

    def search(self) -> Learner:
        """Go through epochs until they no longer help; progress has the best one's weights."""
        if (done := len(self.progress.searched)) > self.config.epochs:
            raise UsageError(f"--epochs {self.config.epochs} is less than the {done} that are done")
        learner = self._begin(self.split.train, goes_on=not self.progress.refitted)
        while not self.progress.is_over(self.config.epochs, self.config.patience):
            row = self._epoch(learner, validates=True)
            self._keep(learner, row, learned(learner.model) if row.best else self.progress.weights)
        return learner

    def refit(self) -> Learner:
        """Learn anew for as many epochs as were best, from all but test; progress has the last weights."""
        learner = self._begin(self.split.known, goes_on=bool(self.progress.refitted))
        while learner.epochs < self.progress.stopped_at().epoch:
            row = replace(self._epoch(learner, validates=False), refit=True)
            self._keep(learner, row, learned(learner.model))
        return learner

    def _begin(self, train: Sequences, *, goes_on: bool) -> Learner:
        """Return a new learner; or, if what is kept is its, that as it was."""
        torch.manual_seed(self.config.seed)
        model = build_recommender(self.config, train.n_items, self.vectors).to(self.device)
        learner = Learner(model, train, self.config)
        self.dropped = learner.joint.dropped if learner.joint else 0
        if self.checkpoints and goes_on:
            self.checkpoints.restore(learner)
        return learner

    def _epoch(self, learner: Learner, *, validates: bool) -> EpochRow:
        start = time.perf_counter()
        loss = learner.epoch()
        ndcg = self._validate(learner) if validates else None
        told: dict[str, Any] = learner.joint.end_epoch() if learner.joint else {}
        best = self.progress.improves(ndcg)
        return EpochRow(learner.epochs, loss, ndcg, best, time.perf_counter() - start, **told)

    def _validate(self, learner: Learner) -> float:
        scorer = learner.model.eval().scorer()
        try:
            return mean_at("ndcg", rank_targets(scorer, self.split.valid, self.config.max_length), 10)
        except InputError as error:  # of finite weights: so large that their products are not
            raise not_finite(learner.epochs, self.config) from error

    def _keep(self, learner: Learner, row: EpochRow, weights: Mapping[str, Array]) -> None:
        self.progress = Progress([*self.progress.rows, row], weights)
        if self.checkpoints:
            self.checkpoints.save(learner, self.progress)
        self.on_epoch(row)
