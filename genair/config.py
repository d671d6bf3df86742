"""Every setting of every stage: its default, its range, and nothing else.

Defaults live here only; the command line shows them from here. Each dataclass is frozen and refuses values
outside their range when made. `settings()` is what provenance records: what shapes the output, and no more.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import inf
from typing import Any

from genair.errors import UsageError

DEFAULT_MODEL = "smollm2-135m-instruct"
VIEWS = ("context", "archetype")
ITEM_ENCODERS = ("id", "text", "text+id")
USER_NORMS = ("none", "size")


PRESETS: Mapping[str, Mapping[str, Any]] = {
    # GenAIR, section 4.1.4: the settings of its archetypes
    "paper": {
        "prompt": "paper",
        "max_tokens": 512,
        "temperature": 0.6,
        "top_p": 0.9,
        "repeat_penalty": 1.2,
    },
}


def _require(fine: bool, name: str, value: object, expected: str) -> None:
    if not fine:
        raise UsageError(f"{name} must be {expected}, not {value}")


@dataclass(frozen=True)
class Decoding:
    """How a language model's next token is chosen.

    Attributes:
        max_tokens: most tokens to generate, 2 or more (the last one has no hidden state).
        temperature: 0 is greedy.
        top_p: sample from the smallest set of tokens with this much probability.
        top_k: sample from at most so many tokens; 0 is all.
        repeat_penalty: divides the logit of tokens that were in the prompt or the answer; 1 is off.
    """

    max_tokens: int = 48
    temperature: float = 0.0
    top_p: float = 0.9
    top_k: int = 0
    repeat_penalty: float = 1.1

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        _require(self.max_tokens >= 2, "--max-tokens", self.max_tokens, "2 or more")
        _require(0 <= self.temperature < inf, "--temperature", self.temperature, "0 or more")
        _require(0 < self.top_p <= 1, "--top-p", self.top_p, "above 0 and at most 1")
        _require(self.top_k >= 0, "--top-k", self.top_k, "0 or more")
        _require(0 < self.repeat_penalty < inf, "--repeat-penalty", self.repeat_penalty, "above 0")

    def settings(self) -> dict[str, Any]:
        """Return what shapes the output: greedy decoding ignores top-p and top-k."""
        every = asdict(self)
        if self.temperature == 0:
            del every["top_p"], every["top_k"]
        return every


@dataclass(frozen=True)
class ArchetypeConfig:
    """Settings of `archetype`.

    Attributes:
        prompt: name of a built-in prompt template, or the path of one.
        item_type: what the prompt calls an item.
        fields: attributes to show, in this order; empty shows all.
        max_field_chars: each attribute is cut at so many characters; 0 takes the template's own limit.
        decoding: how tokens are chosen.
        seed: base of every item's own seed (sampling only).
        wave: consecutive items computed together; changes the output's last digits, so it is recorded.
    """

    prompt: str = "profile"
    item_type: str = "item"
    fields: tuple[str, ...] = ()
    max_field_chars: int = 0
    decoding: Decoding = field(default_factory=Decoding)
    seed: int = 0
    wave: int = 32

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        _require(bool(self.item_type.strip()), "--item-type", repr(self.item_type), "a word")
        _require(self.max_field_chars >= 0, "--max-field-chars", self.max_field_chars, "0 or more")
        _require(self.wave >= 1, "--wave", self.wave, "1 or more")


@dataclass(frozen=True)
class EmbedConfig:
    """Settings of `embed`.

    Attributes:
        views: which mean states make the vector: `context`, `archetype` or both.
        dim: principal components per view; fewer if the states or the items are fewer.
        wave: consecutive items computed together.
    """

    views: tuple[str, ...] = VIEWS
    dim: int = 384
    wave: int = 32

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        known = bool(self.views) and all(self.views.count(view) == (view in VIEWS) for view in self.views)
        _require(known, "--views", "+".join(self.views), "context, archetype or both")
        _require(self.dim >= 1, "--dim", self.dim, "1 or more")
        _require(self.wave >= 1, "--wave", self.wave, "1 or more")


@dataclass(frozen=True)
class GraphConfig:
    """What counts as consumed together, and how much.

    Attributes:
        window: items of a user are together if at most so many events apart; 0 is the whole history.
        min_count: users who must share a pair.
        user_norm: what a user adds to each of its pairs: `none` is 1; `size` is 1/(m - 1) for a user with m
            different items, with a window, too.
        score: name in `genair.data.SCORES`.
        max_pairs: a graph of more pairs is cut: each of n items keeps its max(1, max_pairs // n) strongest
            neighbours (of equal ones, the lower item index), and a pair stays when either end keeps it.
    """

    window: int = 0
    min_count: int = 1
    user_norm: str = "none"
    score: str = "log"
    max_pairs: int = 20_000_000

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        _require(self.window >= 0, "--window", self.window, "0 or more")
        _require(self.min_count >= 1, "--min-count", self.min_count, "1 or more")
        _require(self.user_norm in USER_NORMS, "--user-norm", self.user_norm, " or ".join(USER_NORMS))
        _require(self.max_pairs >= 1, "--max-pairs", self.max_pairs, "1 or more")


@dataclass(frozen=True)
class CalibrateConfig:
    """Settings of `calibrate`.

    Attributes:
        objective: name in `genair.calibrate.OBJECTIVES`.
        dim: size of the calibrated vectors.
        gamma: how fast repulsion fades with association, w_ij = exp(-gamma s_ij).
        holdout: share of associated pairs kept out of the graph for measuring, 0 to below 1.
        steps: full-catalogue optimisation steps.
        learning_rate: of Adam.
        seed: of the held-out pairs, the adapter and the sampled pairs.
        graph: what the associated pairs are.
    """

    objective: str = "alignment"
    dim: int = 128
    gamma: float = 4.0
    holdout: float = 0.1
    steps: int = 200
    learning_rate: float = 1e-3
    seed: int = 0
    graph: GraphConfig = field(default_factory=GraphConfig)

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        _require(self.dim >= 1, "--dim", self.dim, "1 or more")
        _require(0 < self.gamma < inf, "--gamma", self.gamma, "above 0")
        _require(0 <= self.holdout < 1, "--holdout", self.holdout, "0 or more and below 1")
        _require(self.steps >= 1, "--steps", self.steps, "1 or more")
        _require(0 < self.learning_rate < inf, "--learning-rate", self.learning_rate, "above 0")
        _require(self.seed >= 0, "--seed", self.seed, "0 or more")

    def settings(self) -> dict[str, Any]:
        """Return what provenance records."""
        return asdict(self)


@dataclass(frozen=True)
class TrainConfig:
    """Settings of `train`.

    Attributes:
        backbone: name in `genair.models.BACKBONES`.
        items: what stands for an item: `id`, `text` or `text+id`.
        loss: name in `genair.train.LOSSES`.
        dim: width of the recommender.
        blocks: transformer blocks.
        heads: attention heads; divides `dim`.
        dropout: probability, 0 to below 1.
        max_length: events a model sees; longer training histories are cut into windows.
        batch_size: sequences a step.
        learning_rate: of Adam.
        epochs: most passes over the data.
        patience: epochs without a better validation NDCG@10 before stopping.
        seed: of weights, order and dropout.
    """

    backbone: str = "sasrec"
    items: str = "text+id"
    loss: str = "ce"
    dim: int = 64
    blocks: int = 1
    heads: int = 1
    dropout: float = 0.2
    max_length: int = 50
    batch_size: int = 128
    learning_rate: float = 1e-3
    epochs: int = 200
    patience: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        _require(self.items in ITEM_ENCODERS, "--items", self.items, ", ".join(ITEM_ENCODERS))
        for name in ("dim", "blocks", "heads", "max_length", "batch_size", "epochs", "patience"):
            value = getattr(self, name)
            _require(value >= 1, f"--{name.replace('_', '-')}", value, "1 or more")
        _require(self.dim % self.heads == 0, "--heads", self.heads, f"a divisor of --dim {self.dim}")
        _require(0 <= self.dropout < 1, "--dropout", self.dropout, "0 or more and below 1")
        _require(0 < self.learning_rate < inf, "--learning-rate", self.learning_rate, "above 0")
        _require(self.seed >= 0, "--seed", self.seed, "0 or more")

    def settings(self) -> dict[str, Any]:
        """Return what provenance records."""
        return asdict(self)
