"""The training loop: epochs of batches, early stopping on validation NDCG@10 by full ranking."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from genair.config import TrainConfig
from genair.data.sequences import Sequences, Split
from genair.errors import InputError
from genair.evaluate.metrics import mean_at
from genair.evaluate.ranking import rank_targets
from genair.io.container import Array
from genair.models.base import Recommender, build_recommender, weights_of
from genair.train import LOSSES
from genair.train.batches import epoch_batches, windows
from genair.train.joint import Joint, make_joint


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
        UsageError: there is no such backbone, loss, objective or score.
    """
    cut = windows(split.train, config.max_length)
    if not len(cut):
        raise InputError("no user has two training events: nothing to learn from")
    joint = make_joint(split.train, config)
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        model = build_recommender(config, split.train.n_items, vectors).to(device)
        return _run(model, cut, split, config, joint, on_epoch)


def _run(
    model: Recommender,
    cut: Sequences,
    split: Split,
    config: TrainConfig,
    joint: Joint | None,
    on_epoch: Callable[[EpochRow], None],
) -> Trained:
    optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rate)
    rng = np.random.Generator(np.random.PCG64(config.seed))
    rows: list[EpochRow] = []
    best, weights = None, weights_of(model)
    for epoch in range(1, config.epochs + 1):
        loss = _train_epoch(model, cut, config, joint, optimizer, rng, epoch)
        ranks = rank_targets(model.eval().scorer(), split.valid, config.max_length)
        ndcg = mean_at("ndcg", ranks, 10)
        told = joint.end_epoch() if joint else {}
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


def _train_epoch(
    model: Recommender,
    cut: Sequences,
    config: TrainConfig,
    joint: Joint | None,
    optimizer: torch.optim.Optimizer,
    rng: np.random.Generator,
    epoch: int,
) -> float:
    loss_of = LOSSES.get(config.loss)
    device = next(model.parameters()).device
    model.train()
    losses = []
    for inputs, targets in epoch_batches(cut, config.batch_size, rng):
        histories, wanted = (torch.from_numpy(part).to(device) for part in (inputs, targets))
        table = model.items.table()
        states = model.states(histories, table)
        present = wanted != 0
        loss = loss_of(states[present], table, wanted[present])
        total = joint.add_to(loss, table) if joint else loss
        optimizer.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
        if not torch.isfinite(total):
            raise InputError(f"the loss is not finite in epoch {epoch}: lower --learning-rate")
    return float(np.mean(losses))
