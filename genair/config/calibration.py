"""Settings of calibration."""

from dataclasses import asdict, dataclass, field
from math import inf
from typing import Any

from genair.config.graph import GraphConfig
from genair.config.ranges import MOST, require, require_seed
from genair.errors import UsageError

SPECTRAL = "spectral"
ADAPTERS = ("mlp", "residual")
_FASTEST = 1e30  # far beyond use; Adam fails in its own ways where float32 ends
STOP_ON = ("ndcg", "auc_matched", "auc", "none")


@dataclass(frozen=True)
class SpectralConfig:
    """Settings of the calibration in closed form.

    Attributes:
        features: random features beside the vector's own numbers, at most one an item.
        tau: times the mean degree is added to each item's, see `genair.calibrate.attraction`; the less, the
            more single pairs of rare items count.
        ridge: what weight costs a direction, in units of the features' mean variance times features per item;
            the more, the better for items to come, and the less single pairs are trusted.
        power: directions count by max(eigenvalue / the largest, .01)^power; 0 is all alike.
    """

    features: int = 3000
    tau: float = 10.0
    ridge: float = 0.4
    power: float = 0.75

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        require(0 <= self.features <= MOST, "--features", self.features, f"0 to {MOST}")
        require(0 <= self.tau <= 1e12, "--tau", self.tau, "from 0 to 1e12")
        require(0 < self.ridge < inf, "--ridge", self.ridge, "above 0 and finite")
        require(0 <= self.power < inf, "--power", self.power, "0 or more and finite")


@dataclass(frozen=True)
class DescentConfig:
    """Settings of calibration by gradient descent.

    Attributes:
        adapter: one of `ADAPTERS`: `mlp` is the paper's, `residual` starts at the spectral solution.
        hold: weight of the mean squared distance from that start; `residual` only.
        steps: most optimisation steps.
        learning_rate: of Adam.
        batch_items: items drawn for each step; 0 is the whole catalogue.
        stop_on: what early stopping watches, one of `STOP_ON`; `none` takes all steps.
        patience: steps without gain before stopping.
    """

    adapter: str = "mlp"
    hold: float = 0.0
    steps: int = 200
    learning_rate: float = 1e-3
    batch_items: int = 0
    stop_on: str = "ndcg"
    patience: int = 50

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        require(self.adapter in ADAPTERS, "--adapter", self.adapter, " or ".join(ADAPTERS))
        require(0 <= self.hold < inf, "--hold", self.hold, "0 or more and finite")
        require(self.steps >= 1, "--steps", self.steps, "1 or more")
        rate = self.learning_rate
        require(0 < rate <= _FASTEST, "--learning-rate", rate, f"above 0 and at most {_FASTEST:g}")
        require(
            self.batch_items == 0 or self.batch_items >= 2,
            "--batch-items",
            self.batch_items,
            "0, or 2 or more",
        )
        require(self.stop_on in STOP_ON, "--stop-on", self.stop_on, ", ".join(STOP_ON))
        require(self.patience >= 1, "--patience", self.patience, "1 or more")
        if self.hold and self.adapter != "residual":
            raise UsageError("--hold needs --adapter residual: another adapter has no start to be held at")


@dataclass(frozen=True)
class CalibrateConfig:
    """Settings of `calibrate`.

    Attributes:
        objective: `spectral`, or a name in `genair.calibrate.OBJECTIVES`.
        dim: size of the calibrated vectors, at most.
        gamma: how fast repulsion fades with association, w_ij = exp(-gamma s_ij).
        split: name in `genair.data.SPLITS`: its training events are learned from.
        holdout: share of associated pairs kept out of the graph for measuring, 0 to below 1.
        seed: of the held-out pairs, the adapter and what is sampled.
        graph: what the associated pairs are.
        spectral: of the solution in closed form.
        descent: of the other objectives.
    """

    objective: str = SPECTRAL
    dim: int = 768
    gamma: float = 8.0
    split: str = "last-two"
    holdout: float = 0.1
    seed: int = 0
    graph: GraphConfig = field(default_factory=GraphConfig)
    spectral: SpectralConfig = field(default_factory=SpectralConfig)
    descent: DescentConfig = field(default_factory=DescentConfig)

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        require(1 <= self.dim <= MOST, "--dim", self.dim, f"1 to {MOST}")
        require(0 < self.gamma < inf, "--gamma", self.gamma, "above 0 and finite")
        require(0 <= self.holdout < 1, "--holdout", self.holdout, "0 or more and below 1")
        require_seed(self.seed)

    @property
    def solved(self) -> bool:
        """Whether the result is computed in closed form."""
        return self.objective == SPECTRAL

    def settings(self) -> dict[str, Any]:
        """Return what provenance records: what shapes the output, and no more."""
        every = asdict(self)
        if self.solved:
            del every["descent"]
        elif self.descent.adapter != "residual":
            del every["spectral"]
        return every
