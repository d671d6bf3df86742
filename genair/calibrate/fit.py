"""Item vectors and training sequences in, calibrated vectors out, with the evidence.

The input vectors stay frozen; an adapter is fitted to them, in closed form or by descent. The result is its
output on the unit sphere, which is where the objectives live.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from genair.calibrate.descent import AnyAdapter, OnStep, Stop, Watch, descend
from genair.calibrate.diagnostics import Diagnostics, Judge
from genair.calibrate.rank import least_rank
from genair.calibrate.residual import ResidualAdapter
from genair.calibrate.spectral import solve
from genair.config import CalibrateConfig, GraphConfig
from genair.data.association import Pairs, associate, hold_out
from genair.data.sequences import Held, Sequences
from genair.errors import InputError

Vectors = npt.NDArray[np.float32]
_ROWS = 8192  # mapped together
_ALIKE = "the input vectors do not differ"
_NO_EVENT = "there is no validation event to stop on: take --stop-on auc_matched or none"
_NO_PAIR = (
    "there is no held-out pair to stop on, or none to tell it from: raise --holdout or take --stop-on none"
)


@dataclass(frozen=True)
class Calibration:
    """A calibrated space.

    Attributes:
        vectors: float32, shape (items, dim), unit length.
        adapter: what maps an input vector to its calibrated one, up to length.
        graph: the associated pairs that were learned from.
        held: those kept out for measuring.
        dropped: how many weaker pairs the cap cut off.
        before: diagnostics of the input vectors.
        after: diagnostics of `vectors`.
        stop: where descent ended; None where nothing descended.
    """

    vectors: Vectors
    adapter: AnyAdapter
    graph: Pairs
    held: Pairs
    dropped: int
    before: Diagnostics
    after: Diagnostics
    stop: Stop | None

    @property
    def least_rank(self) -> float:
        """The effective rank below which the space counts as collapsed."""
        return least_rank(self.before.effective_rank, self.vectors.shape[1])

    def most(self) -> dict[str, int]:
        """Return how much there was of what settings give a size of; more changes nothing."""
        items, dim = self.vectors.shape
        sizes = {"dim": dim, "batch_items": items}
        if isinstance(self.adapter, ResidualAdapter):
            sizes["features"] = self.adapter.hidden.shape[1]
        return sizes


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
        valid: validation events to measure on, and to stop by; no gradient comes from them.

    Raises:
        InputError: no two items are associated or differ, the loss stops being finite, or nothing is left
            to stop on.
        UsageError: there is no such objective or score.
    """
    pairs = _pairs(train, config.graph)
    graph, held = hold_out(pairs, config.holdout, config.seed)
    if not len(graph):
        raise InputError(f"all {len(pairs)} associated pairs are held out: lower --holdout")
    if (vectors == vectors[0]).all():
        raise InputError("the input vectors do not differ: nothing tells items apart")
    judge = Judge(graph, held, config.seed, valid)
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        adapter, stop = _fit(torch.from_numpy(vectors), graph, config, judge, on_step)
    settings = "--ridge or --power" if config.solved else "--learning-rate"
    calibrated = map_rows(adapter, vectors, f"{_ALIKE}, or {settings} is too high")
    return Calibration(
        vectors=calibrated,
        adapter=adapter,
        graph=graph,
        held=held,
        dropped=pairs.dropped,
        before=judge.measure(vectors),
        after=judge.measure(calibrated, vectors),
        stop=stop,
    )


@torch.no_grad()
def map_rows(adapter: AnyAdapter, vectors: Vectors, likely: str = _ALIKE) -> Vectors:
    """Return the adapter's output for vectors (items, z) on the unit sphere, (items, dim).

    Args:
        adapter: the map.
        vectors: what is mapped.
        likely: what the error below names as its cause.

    Raises:
        InputError: a result is not finite, or zero.
    """
    blocks = [adapter(torch.from_numpy(vectors[at : at + _ROWS])) for at in range(0, len(vectors), _ROWS)]
    mapped = torch.cat(blocks)
    lengths = torch.linalg.vector_norm(mapped, dim=1)
    if not (torch.isfinite(lengths) & (lengths > 0)).all():
        raise InputError(f"a calibrated vector is zero or not finite: {likely}")
    return functional.normalize(mapped, dim=1).numpy()


def _pairs(train: Sequences, config: GraphConfig) -> Pairs:
    pairs = associate(train, config)
    if len(pairs):
        return pairs
    if config.min_count > 1:
        settings = f"--min-count {config.min_count} and --score {config.score}"
        raise InputError(
            f"{settings} leave no pair of items: lower --min-count, unless no two share a user",
            where=train.name,
        )
    raise InputError(
        "no two items share a user in the training events: nothing to calibrate by", where=train.name
    )


def _fit(
    vectors: torch.Tensor, graph: Pairs, config: CalibrateConfig, judge: Judge, on_step: OnStep | None
) -> tuple[AnyAdapter, Stop | None]:
    if config.solved:
        return solve(vectors, graph, config.dim, config.gamma, config.seed, config.spectral), None
    return descend(vectors, graph, config, _watch(judge, config.descent.stop_on), on_step)


def _watch(judge: Judge, measure: str) -> Watch | None:
    if measure == "none":
        return None
    asked = getattr(judge, measure)

    def watch(unit: torch.Tensor) -> float:
        worth = float(asked(unit.numpy()))
        if math.isnan(worth):
            raise InputError(_NO_EVENT if measure == "ndcg" else _NO_PAIR)
        return worth

    return watch
