"""What a run has come to, epoch by epoch."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from genair.io.container import Array


@dataclass(frozen=True)
class EpochRow:
    """What an epoch gave.

    Attributes:
        epoch: 1 for the first.
        loss: of recommendation, mean over batches.
        valid_ndcg: NDCG@10 on validation events, full ranking; None of a refit, which learns from them.
        best: whether it is the best so far.
        seconds: what it took; no part of what two equal runs share.
        alpha: the weight of calibration at the epoch's end; None unless training is joint.
        calibration_loss: mean over batches, not weighed; None unless training is joint.
        gradient_ratio: |alpha grad L_cal| / |grad L_rec| at the item table, mean over the steps that measured
            it; None if there were none.
        refit: True of an epoch of the refit, otherwise None.
    """

    epoch: int
    loss: float
    valid_ndcg: float | None
    best: bool
    seconds: float = field(compare=False)
    alpha: float | None = None
    calibration_loss: float | None = None
    gradient_ratio: float | None = None
    refit: bool | None = None

    def words(self) -> str:
        """Return the row in a few words."""
        found = "refit" if self.valid_ndcg is None else f"validation NDCG@10 {self.valid_ndcg:.4f}"
        return f"loss {self.loss:.3f}, {found}{self.weight_words()}"

    def weight_words(self) -> str:
        """Return `, alpha A, gradient ratio R`, as far as there are such."""
        found = {"alpha": self.alpha, "gradient ratio": self.gradient_ratio}
        return "".join(f", {name} {value:.3g}" for name, value in found.items() if value is not None)

    def to_json(self) -> dict[str, Any]:
        """Return what there is to say, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Progress:
    """The epochs so far.

    Attributes:
        rows: every epoch's.
        weights: what the best epoch learned, or the last of the refit, by name; what is frozen is not among
            them.
    """

    rows: Sequence[EpochRow] = ()
    weights: Mapping[str, Array] = field(default_factory=dict)

    @property
    def searched(self) -> list[EpochRow]:
        """Return the rows that validation has seen."""
        return [row for row in self.rows if not row.refit]

    @property
    def refitted(self) -> list[EpochRow]:
        """Return the rows of the refit."""
        return [row for row in self.rows if row.refit]

    @property
    def best(self) -> EpochRow | None:
        """Return the best epoch's row; None before the first."""
        return next((row for row in reversed(self.rows) if row.best), None)

    def improves(self, ndcg: float | None) -> bool:
        """Return whether a validation NDCG@10 is the best so far; None never is."""
        if ndcg is None:
            return False
        best = self.best
        return best is None or best.valid_ndcg is None or ndcg > best.valid_ndcg

    def is_over(self, epochs: int, patience: int) -> bool:
        """Return whether there are as many epochs as may be, or none of the last is the best."""
        done = len(self.searched)
        since = 0 if self.best is None else done - self.best.epoch
        return done >= epochs or since >= patience

    def stopped_at(self) -> EpochRow:
        """Return the best epoch's row.

        Raises:
            ValueError: no epoch ran.
        """
        if self.best is None:
            raise ValueError("no epoch ran")
        return self.best


@dataclass(frozen=True)
class Trained:
    """A trained model's parts.

    Attributes:
        weights: of the best epoch, or of the refit, by name, frozen item vectors included.
        epochs: every row that validation has seen.
        best: the best epoch's row.
        refitted: epochs of the refit; 0 without one.
        dropped: weaker pairs that joint training's graph left out.
    """

    weights: Mapping[str, Array]
    epochs: tuple[EpochRow, ...]
    best: EpochRow
    refitted: int = 0
    dropped: int = 0

    def curves(self) -> dict[str, Array]:
        """Return per epoch loss and validation NDCG@10, and if training was joint what that gave.

        A gradient ratio is NaN where none was measured.
        """
        rows = [asdict(row) for row in self.epochs]
        keys = ["loss", "valid_ndcg"]
        if self.best.alpha is not None:
            keys += ["alpha", "calibration_loss", "gradient_ratio"]
        return {key: np.asarray([row[key] for row in rows], dtype=np.float64) for key in keys}
