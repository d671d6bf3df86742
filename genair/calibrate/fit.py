"""Item vectors and training sequences in, calibrated vectors out, with the evidence.

Full-batch Adam on the adapter; the input vectors stay frozen. The result is the adapter's output on the unit
sphere, which is where the objectives live.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from genair.calibrate import OBJECTIVES
from genair.calibrate.adapter import Adapter
from genair.calibrate.diagnostics import Diagnostics, measure
from genair.config import CalibrateConfig, GraphConfig
from genair.data.association import Pairs, associate, hold_out
from genair.data.sequences import Held, Sequences
from genair.errors import InputError

Vectors = npt.NDArray[np.float32]
OnStep = Callable[[float], None]


@dataclass(frozen=True)
class Calibration:
    """A calibrated space.

    Attributes:
        vectors: float32, shape (items, dim), unit length.
        weights: the adapter's parameters by name.
        graph: the associated pairs that were learned from.
        held: those kept out for measuring.
        dropped: how many weaker pairs the cap cut off.
        before: diagnostics of the input vectors.
        after: diagnostics of `vectors`.
    """

    vectors: Vectors
    weights: Mapping[str, npt.NDArray[np.float32]]
    graph: Pairs
    held: Pairs
    dropped: int
    before: Diagnostics
    after: Diagnostics


def calibrate(
    vectors: Vectors,
    train: Sequences,
    config: CalibrateConfig,
    on_step: OnStep | None = None,
    valid: Held | None = None,
) -> Calibration:
    """Calibrate vectors (items, z) whose row i is item index i + 1 of `train`.

    Args:
        vectors: the frozen input.
        train: training parts of the histories only.
        config: the stage's settings.
        on_step: told each step's loss.
        valid: validation events to measure on; never learned from.

    Raises:
        InputError: no two items are associated, or the loss stops being finite.
        UsageError: there is no such objective or score.
    """
    pairs = _pairs(train, config.graph)
    graph, held = hold_out(pairs, config.holdout, config.seed)
    if not len(graph):
        raise InputError(f"all {len(pairs)} associated pairs are held out: lower --holdout")
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        adapter, unit = _fit(torch.from_numpy(vectors), graph, config, on_step)
    calibrated = unit.numpy()
    return Calibration(
        vectors=calibrated,
        weights={name: value.detach().numpy() for name, value in adapter.state_dict().items()},
        graph=graph,
        held=held,
        dropped=pairs.dropped,
        before=measure(vectors, graph, held, config.seed, valid=valid),
        after=measure(calibrated, graph, held, config.seed, origin=vectors, valid=valid),
    )


def _pairs(train: Sequences, config: GraphConfig) -> Pairs:
    pairs = associate(train, config)
    if len(pairs):
        return pairs
    if config.min_count > 1:
        settings = f"--min-count {config.min_count} and --score {config.score}"
        raise InputError(f"{settings} leave no pair of items: lower --min-count")
    raise InputError("no two items share a user in the training events: nothing to calibrate by")


def _fit(
    vectors: torch.Tensor, graph: Pairs, config: CalibrateConfig, on_step: OnStep | None
) -> tuple[Adapter, torch.Tensor]:
    generator = torch.Generator().manual_seed(config.seed)
    adapter = Adapter(vectors.shape[1], config.dim)
    adapter.fit_scale(vectors)
    objective = OBJECTIVES.get(config.objective)(graph, len(vectors), config.gamma)
    optimizer = torch.optim.Adam(adapter.parameters(), lr=config.learning_rate)
    for step in range(config.steps):
        loss = objective(functional.normalize(adapter(vectors), dim=1), generator)
        if not torch.isfinite(loss):
            raise InputError(f"the loss is not finite at step {step}: lower --learning-rate")
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if on_step is not None:
            on_step(loss.item())
    with torch.no_grad():
        mapped = adapter(vectors)
    lengths = torch.linalg.vector_norm(mapped, dim=1)
    if not (torch.isfinite(lengths) & (lengths > 0)).all():
        raise InputError("the result is not finite: lower --learning-rate")
    return adapter, functional.normalize(mapped, dim=1)
