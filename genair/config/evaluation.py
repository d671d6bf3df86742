"""Settings of evaluation."""

from dataclasses import dataclass

from genair.config.ranges import require, require_seed
from genair.errors import UsageError


@dataclass(frozen=True)
class EvaluateConfig:
    """Settings of `eval`.

    Attributes:
        split: name in `genair.data.SPLITS`: which events are ranked; None is as the model was trained.
        keep_seen: rank items that the user had before, too, and events of such items; None is as the model
            was trained.
        negatives: sampled items that a target is ranked among; None is the whole catalogue.
        seed: of negatives and resampling.
        tail_quantile: share of the items, rarest first, that are tail.
        tail_below: items with fewer training events are tail; None takes the quantile.
        short_quantile: share of the users, shortest history first, that are short.
        short_below: users with fewer training events are short; None takes the quantile.
    """

    split: str | None = None
    keep_seen: bool | None = None
    negatives: int | None = None
    seed: int = 0
    tail_quantile: float = 0.8
    tail_below: int | None = None
    short_quantile: float = 0.8
    short_below: int | None = None

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        for name in ("negatives", "tail_below", "short_below"):
            value = getattr(self, name)
            require(value is None or value >= 1, f"--{name.replace('_', '-')}", value, "1 or more")
        for name in ("tail_quantile", "short_quantile"):
            value = getattr(self, name)
            require(0 < value < 1, f"--{name.replace('_', '-')}", value, "above 0 and below 1")
        require_seed(self.seed)
        if self.keep_seen and self.negatives is not None:
            raise UsageError(
                "--negatives are items that the user never had, so a repeat beside them gives itself away:"
                " they need --no-keep-seen"
            )
