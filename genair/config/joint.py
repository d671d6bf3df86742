"""Settings of joint training: calibration as a part of the recommender's loss."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from math import inf
from typing import Any, ClassVar, get_args, get_type_hints

from genair.config.graph import PAPER_GRAPH, GraphConfig
from genair.config.ranges import MOST, require
from genair.errors import UsageError


@dataclass(frozen=True)
class JointGraphConfig(GraphConfig):
    """The association graph of joint training: the paper's by default, and options of other names."""

    OPTION: ClassVar[str] = "--calibrate-"

    window: int = PAPER_GRAPH.window
    score: str = PAPER_GRAPH.score


_OWN = {
    "calibrate_weight": "weight",
    "alpha": "alpha",
    "calibrate_objective": "objective",
    "calibrate_gamma": "gamma",
    "calibrate_items": "items",
}
_OF_THE_GRAPH = {f"calibrate_{one.name}": one.name for one in fields(GraphConfig)}


@dataclass(frozen=True)
class JointConfig:
    """Settings of `train` that add calibration to the recommender's loss: L = L_rec + alpha L_cal.

    Without `weight` and `alpha` nothing is added.

    Attributes:
        weight: wanted ratio of gradient norms at the item table, |alpha grad L_cal| / |grad L_rec|.
        alpha: the weight itself; not together with the ratio.
        objective: name in `genair.calibrate.OBJECTIVES`.
        gamma: how fast repulsion fades with association, w_ij = exp(-gamma s_ij).
        items: random items that a step calibrates; 0 is the whole catalogue, None the step's own.
        graph: what the associated pairs are; the paper's.
    """

    WEIGHTS: ClassVar[tuple[str, ...]] = ("calibrate_weight", "alpha")  # the options that turn it on

    weight: float | None = None
    alpha: float | None = None
    objective: str = "paper"
    gamma: float = 4.0
    items: int | None = None
    graph: GraphConfig = field(default_factory=JointGraphConfig)

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        for name, value in (("--calibrate-weight", self.weight), ("--alpha", self.alpha)):
            require(value is None or 0 < value < inf, name, value, "above 0 and finite")
        if self.weight is not None and self.alpha is not None:
            raise UsageError("--calibrate-weight and --alpha set the same weight: give one of them")
        require(0 < self.gamma < inf, "--calibrate-gamma", self.gamma, "above 0 and finite")
        fine = self.items is None or self.items == 0 or 2 <= self.items <= MOST
        require(fine, "--calibrate-items", self.items, f"0, or 2 to {MOST}")

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "JointConfig":
        """Return what was recorded as these, also after JSON; what they lack is at its default."""
        graph = JointGraphConfig(**settings.get("graph", {}))
        return cls(**{**settings, "graph": graph})

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> "JointConfig":
        """Return what options of the command line say by their names; what they lack is at its default."""
        own = {name: options[option] for option, name in _OWN.items() if option in options}
        graph = {name: options[option] for option, name in _OF_THE_GRAPH.items() if option in options}
        return cls(**own, graph=JointGraphConfig(**graph))

    @classmethod
    def kinds(cls) -> dict[str, type]:
        """Return of what kind the values of all options are: int, float or str."""
        return kinds_of(cls, _OWN) | kinds_of(JointGraphConfig, _OF_THE_GRAPH)

    def options(self) -> dict[str, Any]:
        """Return the values of all options that say these settings."""
        own = {option: getattr(self, name) for option, name in _OWN.items()}
        return own | {option: getattr(self.graph, name) for option, name in _OF_THE_GRAPH.items()}

    def is_on(self) -> bool:
        """Return whether there is anything to add."""
        return self.weight is not None or self.alpha is not None


def kinds_of(settings: type, names: Mapping[str, str]) -> dict[str, type]:
    """Return of what kind attributes are, by the options that say them; `T | None` is of kind T."""
    hints = get_type_hints(settings)
    return {option: (*get_args(hints[name]), hints[name])[0] for option, name in names.items()}
