r"""Seeded purchase simulator over the demo catalogue, with everything that is planted known.

Items `i` have a category `c_i`, companions `C_i` and an audience `a_i` in `[0, 1]^P`
over `P` personas. Their popularity is Zipf-like over a seeded random permutation of ranks
`r`, hence independent of text and audience: `pop_i = r_i^-zipf / sum_j r_j^-zipf`.

A user has a primary persona `p`, another secondary persona `s` and a change point `b`, all
uniform, `b` over `CHANGE_RANGE` in histories (beyond 1 the change is only begun). At event
`k` of `n` (from 0) taste is the mixture `m = (1 - w) e_p + w e_s` with
`w = 1 / (1 + exp(-drift (k / n - b)))`. With last item `l`, an unseen item has the score

    z_i = taste m.a_i + popularity log(pop_i) + momentum [c_i = c_l] + companion [i in C_l]

and is next with probability `(1 - noise) softmax(z)_i + noise pop_i`, both renormalised over
the unseen items; nothing is bought twice. A share `short_share` of users has 1 or 2 events, the
others `min_length` plus a geometric tail cut at `max_length`. Gaps are exponential.

What each source of information carries that the others do not:

* text (title, description, categories): what the object is, hence `c_i` and the momentum term;
  it only hints at whom the object is for, and says nothing of `pop_i`;
* audience: `a_i`, which cuts across categories and drives the taste term, even for an item
  nobody has bought yet; it says nothing of `pop_i`, `C_i` or of when a user changes;
* behaviour: `pop_i`, the companions that no text explains, and each user's `p`, `s`, `b`.

Every draw is a uniform double of a PCG64 stream (seed `[seed, 0]` for popularity, `[seed, u]`
for user `u`) put through an inverse distribution function written out here, so that output does
not hang on the NumPy version, and a larger population extends a smaller one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Interaction = dict[str, object]
CHANGE_RANGE = (0.1, 1.3)
DAY = 86_400


@dataclass(frozen=True)
class PlantedItem:
    """What is planted in one item: its category, its audience and its companions."""

    item_id: str
    category: str
    audience: Mapping[str, float]
    companions: tuple[str, ...] = ()


@dataclass(frozen=True)
class SimulatorConfig:
    """Settings of the simulator; strengths are in nats of the choice score."""

    users: int = 900  # number of users
    seed: int = 7  # of every stream of uniforms
    taste: float = 4.5  # nats for an audience that matches the mixture fully
    drift: float = 10.0  # slope of the change of taste, per whole history
    popularity: float = 0.5  # nats per unit of log popularity
    zipf: float = 0.8  # exponent of the popularity law over ranks
    momentum: float = 1.2  # nats for the category of the last item
    companion: float = 2.0  # nats for a companion of the last item
    noise: float = 0.15  # probability that a choice follows popularity alone
    short_share: float = 0.05  # share of users with only one or two events
    min_length: int = 5  # fewest events of the other users
    mean_length: float = 15.0  # their mean number of events before the cut
    max_length: int = 45  # most events of a user
    gap_days: float = 6.0  # mean gap between two events of a user, days
    span_days: float = 365.0  # first events are uniform over so many days
    epoch: int = 1_672_531_200  # earliest timestamp, seconds since 1970 (UTC)


class _Dice:
    """A stream of uniform doubles and the few inverse distribution functions needed."""

    def __init__(self, seed: int, stream: int) -> None:
        self._rng = np.random.Generator(np.random.PCG64([seed, stream]))

    def uniform(self) -> float:
        return float(self._rng.random())

    def below(self, count: int) -> int:
        return int(self.uniform() * count)

    def exponential(self, mean: float) -> float:
        return -math.log(1.0 - self.uniform()) * mean

    def index(self, weights: Vector) -> int:
        edges = np.cumsum(weights)
        return int(np.searchsorted(edges[:-1], self.uniform() * edges[-1], side="right"))


def planted_popularity(count: int, config: SimulatorConfig) -> Vector:
    """Popularity of each of `count` items, summing to one, in the order of the items."""
    dice = _Dice(config.seed, 0)
    order = np.argsort(np.array([dice.uniform() for _ in range(count)]), kind="stable")
    popularity = np.empty(count)
    popularity[order] = np.arange(1.0, count + 1.0) ** -config.zipf
    popularity /= popularity.sum()
    return popularity


class ChoiceModel:
    """The distribution of the next item: what an oracle would rank by."""

    def __init__(self, planted: Sequence[PlantedItem], config: SimulatorConfig) -> None:
        """Lay out audiences, popularity and the pull of each last item as arrays."""
        self.personas = tuple(sorted({name for item in planted for name in item.audience}))
        self.popularity = planted_popularity(len(planted), config)
        self._config = config
        self._audience = np.array([[i.audience.get(p, 0) for p in self.personas] for i in planted])
        same = np.array([[i.category == last.category for i in planted] for last in planted])
        near = np.array([[i.item_id in last.companions for i in planted] for last in planted])
        self._pull = config.momentum * same + config.companion * near

    def probabilities(self, mixture: Vector, last: int | None, seen: NDArray[np.bool_]) -> Vector:
        """Probability of each item given the taste mixture, the last item and those seen."""
        score = self._config.taste * (self._audience @ mixture)
        score += self._config.popularity * np.log(self.popularity)
        if last is not None:
            score += self._pull[last]
        score[seen] = -np.inf
        chosen: Vector = np.exp(score - score.max())
        popular = np.where(seen, 0.0, self.popularity)
        chosen *= (1.0 - self._config.noise) / chosen.sum()
        chosen += self._config.noise / popular.sum() * popular
        return chosen


def _length(dice: _Dice, config: SimulatorConfig) -> int:
    if dice.uniform() < config.short_share:
        return 1 + dice.below(2)
    tail = config.mean_length - config.min_length
    mean = 1.0 / math.log1p(1.0 / tail) if tail > 0 else 0.0
    return min(config.min_length + int(dice.exponential(mean)), config.max_length)


def _mixtures(dice: _Dice, length: int, personas: int, drift: float) -> Iterator[Vector]:
    primary = dice.below(personas)
    secondary = (primary + 1 + dice.below(max(personas - 1, 1))) % personas
    change = CHANGE_RANGE[0] + dice.uniform() * (CHANGE_RANGE[1] - CHANGE_RANGE[0])
    for event in range(length):
        share = 0.5 + 0.5 * math.tanh(0.5 * drift * (event / length - change))
        mixture = np.zeros(personas)
        mixture[primary] += 1.0 - share
        mixture[secondary] += share
        yield mixture


def _history(dice: _Dice, model: ChoiceModel, config: SimulatorConfig) -> Iterator[tuple[int, int]]:
    length = min(_length(dice, config), len(model.popularity))
    clock = config.epoch + int(dice.uniform() * config.span_days * DAY)
    seen = np.zeros(len(model.popularity), dtype=np.bool_)
    last: int | None = None
    for mixture in _mixtures(dice, length, len(model.personas), config.drift):
        last = dice.index(model.probabilities(mixture, last, seen))
        seen[last] = True
        yield last, clock
        clock += 60 + int(dice.exponential(config.gap_days * DAY))


def simulate(planted: Sequence[PlantedItem], config: SimulatorConfig) -> Iterator[Interaction]:
    """Yield interactions (`user_id`, `item_id`, `timestamp`) by user, then by time."""
    model = ChoiceModel(planted, config)
    for number in range(1, config.users + 1):
        for item, clock in _history(_Dice(config.seed, number), model, config):
            item_id = planted[item].item_id
            yield {"user_id": f"u{number:04d}", "item_id": item_id, "timestamp": clock}


def items_path() -> Path:
    """Path of the shipped `items.jsonl`: what the text pipeline may see."""
    return Path(str(files(__package__) / "items.jsonl"))


def interactions_path() -> Path:
    """Path of the shipped `interactions.jsonl`: `simulate` at its default settings."""
    return Path(str(files(__package__) / "interactions.jsonl"))


def load_planted(planted_file: Path, items_file: Path) -> list[PlantedItem]:
    """Read planted audiences and companions, and the categories from the items file."""
    items = map(json.loads, items_file.read_text("utf-8").rstrip("\n").split("\n"))
    category = {item["item_id"]: " > ".join(item["categories"][:2]) for item in items}
    rows = map(json.loads, planted_file.read_text("utf-8").rstrip("\n").split("\n"))
    fields = ((r["item_id"], r["audience"], tuple(r["companions"])) for r in rows)
    return [PlantedItem(name, category[name], *rest) for name, *rest in fields]


def planted() -> list[PlantedItem]:
    """What is planted in the shipped catalogue, in the order of its items."""
    return load_planted(items_path().with_name("planted.jsonl"), items_path())
