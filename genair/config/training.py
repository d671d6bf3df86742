"""Settings of training."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from math import inf
from typing import Any

from genair.config.joint import JointConfig, kinds_of
from genair.config.ranges import MOST, require, require_seed

ITEM_ENCODERS = ("id", "text", "text+id", "text-init")
PRECISIONS = ("fp32", "bf16", "fp16")
_OFF_BY_DEFAULT = ("keep_seen", "refit", "schedule", "warmup", "precision")
_COUNTS = ("negatives", "dim", "blocks", "heads", "max_length", "batch_size", "epochs", "patience")


@dataclass(frozen=True)
class TrainConfig:
    """Settings of `train`.

    Attributes:
        backbone: name in `genair.models.BACKBONES`.
        items: what stands for an item: `id`, `text`, `text+id` or `text-init`.
        loss: name in `genair.train.LOSSES`.
        sampler: name in `genair.train.SAMPLERS`: what draws negatives.
        negatives: items drawn a step, for all its events.
        gbce_t: gBCE's calibration, from 0, plain binary cross-entropy, to 1.
        dim: width of the recommender.
        blocks: transformer blocks, or layers of a recurrent network.
        heads: attention heads; divides `dim`.
        dropout: probability, 0 to below 1.
        mask_probability: of an event, while a backbone that is not causal is trained.
        max_length: events a model sees; longer training histories are cut into windows.
        batch_size: sequences a step.
        learning_rate: of Adam, at its highest.
        schedule: name in `genair.train.SCHEDULES`: how it falls after the warm-up.
        warmup: epochs, whole or not, over which it rises.
        epochs: most passes over the data.
        patience: epochs without a better validation NDCG@10 before stopping.
        precision: of large products while training: `fp32`, `bf16` or `fp16`.
        seed: of weights, order and dropout.
        joint: calibration as a part of the loss.
        split: name in `genair.data.SPLITS`: which events are learned from.
        keep_seen: validate on events of items that the user had before, too, among all items.
        refit: learn anew from training and validation events, for as many epochs as were best.
    """

    backbone: str = "sasrec"
    items: str = "text+id"
    loss: str = "ce"
    sampler: str = "uniform"
    negatives: int = 1024
    gbce_t: float = 0.75
    dim: int = 64
    blocks: int = 1
    heads: int = 1
    dropout: float = 0.2
    mask_probability: float = 0.2
    max_length: int = 50
    batch_size: int = 128
    learning_rate: float = 1e-3
    schedule: str = "constant"
    warmup: float = 0.0
    epochs: int = 200
    patience: int = 10
    precision: str = "fp32"
    seed: int = 0
    joint: JointConfig = field(default_factory=JointConfig)
    split: str = "last-two"
    keep_seen: bool = False
    refit: bool = False

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "TrainConfig":
        """Return what gave these `settings()`, also after JSON; what they lack is at its default."""
        return cls(**{**settings, "joint": JointConfig.from_settings(settings.get("joint", {}))})

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> "TrainConfig":
        """Return what options of the command line say by their names; what they lack is at its default."""
        own = {one.name: options[one.name] for one in fields(cls) if one.name in options}
        return cls(**own, joint=JointConfig.from_options(options))

    @classmethod
    def kinds(cls) -> dict[str, type]:
        """Return of what kind the values of all options are: bool, int, float or str."""
        return (
            kinds_of(cls, {one.name: one.name for one in fields(cls) if one.name != "joint"})
            | JointConfig.kinds()
        )

    def options(self) -> dict[str, Any]:
        """Return the values of all options that say these settings."""
        own = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "joint"}
        return own | self.joint.options()

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        require(self.items in ITEM_ENCODERS, "--items", self.items, ", ".join(ITEM_ENCODERS))
        for name in _COUNTS:
            value = getattr(self, name)
            require(1 <= value <= MOST, f"--{name.replace('_', '-')}", value, f"1 to {MOST}")
        require(0 <= self.gbce_t <= 1, "--gbce-t", self.gbce_t, "between 0 and 1")
        require(self.dim % self.heads == 0, "--heads", self.heads, f"a divisor of --dim {self.dim}")
        require(0 <= self.dropout < 1, "--dropout", self.dropout, "0 or more and below 1")
        require(0 < self.mask_probability < 1, "--mask-probability", self.mask_probability, "between 0 and 1")
        require(0 < self.learning_rate < inf, "--learning-rate", self.learning_rate, "above 0 and finite")
        within = f"0 or more and below --epochs {self.epochs}"
        require(0 <= self.warmup < self.epochs, "--warmup", self.warmup, within)
        require(self.precision in PRECISIONS, "--precision", self.precision, ", ".join(PRECISIONS))
        require_seed(self.seed)

    def settings(self) -> dict[str, Any]:
        """Return what provenance records: nothing of what is off."""
        plain = {one.name: one.default for one in fields(self) if one.name in _OFF_BY_DEFAULT}
        off = {name for name, default in plain.items() if getattr(self, name) == default}
        if not self.joint.is_on():
            off.add("joint")
        return {name: value for name, value in asdict(self).items() if name not in off}
