"""Calibration by gradient descent: Adam on an adapter, stopped when it helps no more.

Early stopping watches pairs held out of the graph or validation events, never test events. With
`batch_items` each step takes a random sample of items and the graph between them; the paper's loss is a mean
over pairs of items, so its expectation stays the same.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from genair.calibrate import OBJECTIVES
from genair.calibrate.adapter import Adapter
from genair.calibrate.objectives.base import Objective
from genair.calibrate.residual import ResidualAdapter
from genair.calibrate.spectral import solve
from genair.config import CalibrateConfig
from genair.data.association import PairIndex, Pairs
from genair.errors import InputError

OnStep = Callable[[float], None]
Watch = Callable[[Tensor], float]
AnyAdapter = Adapter | ResidualAdapter
_CHECK = 10  # steps between looks at what stops it, unless patience is shorter
_SPREAD = (
    0.4  # of the weights that a residual adapter starts with: a step of Adam is as long as its rate says
)


@dataclass(frozen=True)
class Stop:
    """Where descent ended.

    Attributes:
        best: the step whose adapter was kept; 0 is the start.
        steps: how many were taken.
    """

    best: int
    steps: int


def descend(
    vectors: Tensor, graph: Pairs, config: CalibrateConfig, watch: Watch | None, on_step: OnStep | None
) -> tuple[AnyAdapter, Stop]:
    """Fit an adapter to vectors (items, z).

    Args:
        vectors: the frozen input.
        graph: the pairs to learn from.
        config: the stage's settings.
        watch: tells what unit vectors (items, dim) are worth, more is better; None takes all steps.
        on_step: told each step's loss.

    Raises:
        InputError: the loss or a vector is not finite, or `watch` says so.
        UsageError: there is no such objective or adapter.
    """
    generator = torch.Generator().manual_seed(config.seed)
    adapter = _start(vectors, graph, config)
    loss_of = _Loss(adapter, vectors, graph, config)
    optimizer = torch.optim.Adam(adapter.parameters(), lr=config.descent.learning_rate)
    keeper = _Keeper(adapter, vectors, watch, config.descent.patience)
    taken = 0
    while keeper.goes_on(taken) and taken < config.descent.steps:  # it looks at the last step, too
        loss = loss_of(generator)
        if not torch.isfinite(loss):
            cause = "--learning-rate" if taken else "--hold"  # no rate has mattered before the first step
            raise InputError(f"the loss is not finite at step {taken}: lower {cause}")
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        taken += 1
        if on_step is not None:
            on_step(loss.item())
    return adapter, keeper.finish(taken)


def _start(vectors: Tensor, graph: Pairs, config: CalibrateConfig) -> AnyAdapter:
    if config.descent.adapter == "residual":
        solved = solve(vectors, graph, config.dim, config.gamma, config.seed, config.spectral)
        with torch.no_grad():
            solved.output.mul_(_SPREAD / solved.output.std().clamp_min(1e-12))
        return solved
    adapter = Adapter(vectors.shape[1], config.dim)
    adapter.fit_scale(vectors)
    return adapter


class _Loss:
    """The objective, of the whole catalogue or a new sample, and what holds the adapter at its start."""

    def __init__(self, adapter: AnyAdapter, vectors: Tensor, graph: Pairs, config: CalibrateConfig) -> None:
        self._make = OBJECTIVES.get(config.objective)
        self._adapter, self._graph, self._config = adapter, PairIndex(graph, len(vectors)), config
        with torch.no_grad():
            self._input = adapter.features(vectors)
            self._origin = adapter.read_out(self._input) if config.descent.hold else None
        self._whole = None if self._sampled else self._make(graph, len(vectors), config.gamma)

    @property
    def _sampled(self) -> bool:
        return 0 < self._config.descent.batch_items < len(self._input)

    def __call__(self, generator: torch.Generator) -> Tensor:
        """Return the loss of this step."""
        if self._whole is not None:
            return self._of(self._whole, slice(None), generator)
        drawn = torch.randperm(len(self._input), generator=generator)[: self._config.descent.batch_items]
        between = self._graph.within(drawn.numpy())
        return self._of(self._make(between, len(drawn), self._config.gamma), drawn, generator)

    def _of(self, objective: Objective, rows: Tensor | slice, generator: torch.Generator) -> Tensor:
        mapped = self._adapter.read_out(self._input[rows])
        loss = objective(functional.normalize(mapped, dim=1), generator)
        if self._origin is None:
            return loss
        origin = self._origin[rows]
        away = (mapped - origin).pow(2).sum() / origin.pow(2).sum()
        return loss + self._config.descent.hold * away


class _Keeper:
    """Looks at the space now and then, and keeps the adapter that was best."""

    def __init__(self, adapter: AnyAdapter, vectors: Tensor, watch: Watch | None, patience: int) -> None:
        self._adapter, self._vectors, self._watch, self._patience = adapter, vectors, watch, patience
        self._every = min(_CHECK, patience)
        self._best, self._worth = 0, -math.inf
        self._weights: dict[str, Tensor] = {}

    def goes_on(self, step: int) -> bool:
        """Look, if it is time to, and return whether there was gain lately."""
        if self._watch is None:
            return True
        if step % self._every == 0:
            self._look(step, self._watch)
        return step - self._best < self._patience

    def finish(self, step: int) -> Stop:
        """Give the adapter its best weights."""
        if self._watch is None:
            return Stop(step, step)
        if step % self._every:
            self._look(step, self._watch)
        self._adapter.load_state_dict(self._weights)
        return Stop(self._best, step)

    @torch.no_grad()
    def _look(self, step: int, watch: Watch) -> None:
        unit = functional.normalize(self._adapter(self._vectors), dim=1)
        if not torch.isfinite(unit).all():
            raise InputError(f"the vectors are not finite at step {step}: lower --learning-rate")
        worth = watch(unit)
        if worth > self._worth:
            self._best, self._worth = step, worth
            self._weights = {name: value.clone() for name, value in self._adapter.state_dict().items()}
