"""Settings of the stages that run a language model."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import inf
from typing import Any

from genair.config.ranges import require, require_seed, require_text

DEFAULT_MODEL = "smollm2-135m-instruct"
VIEWS = ("context", "archetype")
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
        require(self.max_tokens >= 2, "--max-tokens", self.max_tokens, "2 or more")
        require(0 <= self.temperature < inf, "--temperature", self.temperature, "0 or more")
        require(0 < self.top_p <= 1, "--top-p", self.top_p, "above 0 and at most 1")
        require(self.top_k >= 0, "--top-k", self.top_k, "0 or more")
        require(0 < self.repeat_penalty < inf, "--repeat-penalty", self.repeat_penalty, "above 0 and finite")

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
        require(bool(self.item_type.strip()), "--item-type", repr(self.item_type), "a word")
        for flag, text in (("--item-type", self.item_type), ("--fields", ",".join(self.fields))):
            require_text(flag, text)
        require_seed(self.seed)
        require(self.max_field_chars >= 0, "--max-field-chars", self.max_field_chars, "0 or more")
        require(self.wave >= 1, "--wave", self.wave, "1 or more")


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
        require(known, "--views", "+".join(self.views), "context, archetype or both")
        require(self.dim >= 1, "--dim", self.dim, "1 or more")
        require(self.wave >= 1, "--wave", self.wave, "1 or more")
