"""Joint training: calibration as a part of the recommender's loss, L = L_rec + alpha L_cal.

It acts on the item table, whatever stands for an item and whatever the backbone. A step calibrates the
items that it looks at, as in the paper, with the associated pairs among them. Departures: an item counts once
however often the step has it, and alpha can follow a wanted ratio of gradients.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from genair.calibrate import OBJECTIVES
from genair.calibrate.objectives.base import Objective
from genair.config import JointConfig, TrainConfig
from genair.data.association import PairIndex, Pairs, associate
from genair.data.sequences import Sequences
from genair.errors import InputError

ESTIMATE_EVERY = 50  # steps; before that, at the 1st, 2nd, 4th, 8th, 16th and 32nd


class Sample(NamedTuple):
    """Items that a step calibrates.

    Attributes:
        items: item indices, shape (items,).
        objective: of their part of the graph.
    """

    items: Tensor
    objective: Objective


class Joint:
    """Adds calibration to the loss of every step.

    Attributes:
        alpha: the weight in use; 0 until a ratio has been measured.
        steps: that calibrated so far.
        dropped: weaker pairs that the graph left out.
        generator: everything random.
    """

    def __init__(self, graph: Pairs, n_items: int, config: JointConfig, seed: int) -> None:
        """Take the associated pairs of a catalogue of n items, and the seed of all that is sampled.

        Raises:
            UsageError: there is no such objective.
        """
        self.alpha = config.alpha or 0.0
        self._ratio = config.weight
        self.dropped = graph.dropped
        self._graph, self._n, self._gamma = PairIndex(graph, n_items), n_items, config.gamma
        self._kind = OBJECTIVES.get(config.objective)
        self._sampled = n_items if config.items == 0 else config.items
        whole = self._sampled is not None and self._sampled >= n_items
        self._whole = self._kind(graph, n_items, config.gamma) if whole else None
        self.generator = torch.Generator().manual_seed(seed)
        self.steps = 0
        self._losses: list[float] = []
        self._ratios: list[float] = []

    def draw(self, *own: Tensor) -> Sample | None:
        """Return what the next step calibrates, or None where that is a single item.

        Args:
            own: item indices that the step looks at, of any shapes; 0 and below stand for no item.
        """
        if self._whole is not None:
            return Sample(torch.arange(1, self._n + 1), self._whole)
        rows = self._rows(own)
        if len(rows) < 2:
            return None
        part = self._graph.within(rows.numpy())
        return Sample(rows + 1, self._kind(part, len(rows), self._gamma))

    def _rows(self, own: tuple[Tensor, ...]) -> Tensor:
        """Return ascending item rows: a random sample's, or the step's own."""
        if self._sampled is not None:
            return torch.randperm(self._n, generator=self.generator)[: self._sampled].sort().values
        items = torch.cat([indices.flatten().cpu() for indices in own])
        rows: Tensor = torch.unique(items[items > 0]) - 1
        return rows

    def add_to(self, loss: Tensor, table: Tensor, sample: Sample) -> Tensor:
        """Return L_rec + alpha L_cal of one step, having measured both gradients if it is time to.

        Args:
            loss: L_rec, a scalar computed from the table.
            table: item vectors (items + 1, dim), row 0 the padding.
            sample: what `draw` returned, its items as rows of the table.
        """
        unit = functional.normalize(functional.embedding(sample.items, table), dim=1)
        calibration = sample.objective(unit.cpu(), self.generator).to(loss.device)
        if not self.alpha or is_estimated(self.steps):
            self._measure(_gradient(loss, table), _gradient(calibration, table))
        self.steps += 1
        self._losses.append(calibration.item())
        return loss + self.alpha * calibration

    def end_epoch(self) -> dict[str, float | None]:
        """Return an epoch's `alpha` and means (`genair.train.progress.EpochRow`), and begin the next."""
        loss = float(np.mean(self._losses))
        ratio = float(np.mean(self._ratios)) if self._ratios else None
        self._losses, self._ratios = [], []
        return {"alpha": self.alpha, "calibration_loss": loss, "gradient_ratio": ratio}

    def _measure(self, own: float, added: float) -> None:
        """Take the gradient norms of L_rec and L_cal: note their ratio, and follow a wanted one.

        Alpha moves to the geometric mean of itself and what would give the wanted ratio now, which it begins
        with; the ratio that is noted is what alpha then gives.
        """
        exact = (self._ratio or 0) * own / added if added > 0 else 0
        if exact > 0 and math.isfinite(exact):
            self.alpha = math.sqrt(self.alpha * exact) if self.alpha else exact
        if own > 0 and math.isfinite(added / own):
            self._ratios.append(self.alpha * added / own)


def is_estimated(step: int) -> bool:
    """Return whether the ratio is measured at a step, 0 the first: gradients change most in the beginning."""
    return step % ESTIMATE_EVERY == 0 or (step < ESTIMATE_EVERY and (step & (step + 1)) == 0)


def make_joint(train: Sequences, config: TrainConfig) -> Joint | None:
    """Return what adds calibration to the loss, or None where the settings ask for none.

    Args:
        train: training parts only; validation and test events must not be in it.
        config: the stage's settings.

    Raises:
        InputError: no two items are associated.
        UsageError: there is no such objective or score.
    """
    if not config.joint.is_on():
        return None
    OBJECTIVES.check(config.joint.objective)
    graph = associate(train, config.joint.graph)
    if not len(graph):
        raise InputError(
            "no two items are associated in the training events: nothing to calibrate by", where=train.name
        )
    return Joint(graph, train.n_items, config.joint, config.seed)


def _gradient(loss: Tensor, table: Tensor) -> float:
    """Return the norm of a loss's gradient at the table."""
    (gradient,) = torch.autograd.grad(loss, table, retain_graph=True)
    return float(torch.linalg.vector_norm(gradient))
