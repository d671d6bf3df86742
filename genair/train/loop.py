"""The training loop: epochs of batches, early stopping on validation NDCG@10 by full ranking."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from genair.config import TrainConfig
from genair.data.sequences import Held, Split
from genair.evaluate.metrics import mean_at
from genair.evaluate.ranking import rank_targets
from genair.io.container import Array
from genair.models.base import build_recommender, weights_of
from genair.train.learner import Learner


@dataclass(frozen=True)
class EpochRow:
    """What an epoch gave.

    Attributes:
        epoch: 1 for the first.
        loss: of recommendation, mean over batches.
        valid_ndcg: NDCG@10 on validation events, full ranking.
        best: whether it is the best so far.
        alpha: the weight of calibration at the epoch's end; None unless training is joint.
        calibration_loss: mean over batches, not weighed; None unless training is joint.
    """

    epoch: int
    loss: float
    valid_ndcg: float
    best: bool
    alpha: float | None = None
    calibration_loss: float | None = None

    def words(self) -> str:
        """Return the row in a few words."""
        return f"loss {self.loss:.3f}, validation NDCG@10 {self.valid_ndcg:.4f}{self.weight_words()}"

    def weight_words(self) -> str:
        """Return `, alpha A`; nothing unless training is joint."""
        return "" if self.alpha is None else f", alpha {self.alpha:.3g}"


@dataclass(frozen=True)
class Trained:
    """A trained model's parts.

    Attributes:
        weights: of the best epoch, by name.
        epochs: every epoch's row.
        best: the best epoch's row.
    """

    weights: Mapping[str, Array]
    epochs: tuple[EpochRow, ...]
    best: EpochRow

    def curves(self) -> dict[str, Array]:
        """Return per epoch loss and validation NDCG@10, and if training was joint alpha and L_cal."""
        rows = [asdict(row) for row in self.epochs]
        keys = ["loss", "valid_ndcg"]
        if self.best.alpha is not None:
            keys += ["alpha", "calibration_loss"]
        return {key: np.asarray([row[key] for row in rows]) for key in keys}


def train_model(
    split: Split,
    vectors: Tensor | None,
    config: TrainConfig,
    device: torch.device,
    on_epoch: Callable[[EpochRow], None],
) -> Trained:
    """Train a recommender from scratch.

    Args:
        split: training sequences and validation events.
        vectors: frozen item vectors (items, z), row i for index i + 1; None for `--items id`.
        config: the stage's settings.
        device: where to compute.
        on_epoch: told each epoch's row.

    Raises:
        InputError: no user has two training events, joint training finds no associated items, or the loss
            stops being finite.
        UsageError: there is no such backbone, loss, sampler, objective or score.
    """
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        model = build_recommender(config, split.train.n_items, vectors).to(device)
        return _run(Learner(model, split.train, config), split.valid, config, on_epoch)


def _run(learner: Learner, valid: Held, config: TrainConfig, on_epoch: Callable[[EpochRow], None]) -> Trained:
    model = learner.model
    rows: list[EpochRow] = []
    best, weights = None, weights_of(model)
    for epoch in range(1, config.epochs + 1):
        loss = learner.epoch()
        ndcg = mean_at("ndcg", rank_targets(model.eval().scorer(), valid, config.max_length), 10)
        told = learner.joint.end_epoch() if learner.joint else {}
        row = EpochRow(epoch, loss, ndcg, best is None or ndcg > best.valid_ndcg, **told)
        rows.append(row)
        on_epoch(row)
        if best is None or row.best:
            best, weights = row, weights_of(model)
        if epoch - best.epoch >= config.patience:
            break
    if best is None:
        raise ValueError("no epoch ran")
    return Trained(weights, tuple(rows), best)
