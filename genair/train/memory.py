"""How much memory training will take beyond what its data already has, estimated before it starts.

The graph of joint training is not counted. A test compares estimates with what runs take.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from genair.config import TrainConfig
from genair.data.padding import users_together
from genair.data.sequences import Sequences
from genair.device import free_on
from genair.errors import GenairError
from genair.models.base import Recommender, backbone_of
from genair.models.items import ItemEncoder
from genair.models.layout import pieces
from genair.train import LOSSES
from genair.train.losses import chunk_events

_HALF, _FLOAT, _INTEGER, _MIB = 2, 4, 8, 1 << 20
_LIBRARIES = 65 << 20  # what torch loads when it first learns
_OUTSIDE, _TRANSFORMER, _OTHER = 14, 24, 10  # numbers of an event, in `dim`: outside blocks, and in each
_MATRICES, _PASSING = 3, 2  # of attention, events x events: what each block keeps, and one has for a while
_RANKED = 12  # numbers of an event while ranking, in `dim`
_MIXED = 3  # bytes of a number of which some have 2 and some 4
_SHARED = 3  # numbers of an event with each of the items that all are scored against, a chunk at a time
_PAIRED = 6  # numbers of an event with the item drawn for it
_TRIED = 100  # batches
_SCATTERED = 64  # steps of batches of many lengths, after which gaps between pieces take as much as pieces


@dataclass(frozen=True)
class Memory:
    """Bytes, by what takes them.

    Attributes:
        computing: where the run computes.
        staying: on this machine, wherever it computes.
    """

    computing: Mapping[str, int]
    staying: Mapping[str, int]

    def by_device(self, device: str) -> dict[str, int]:
        """Return the sums, by kind of device."""
        computing, staying = sum(self.computing.values()), sum(self.staying.values())
        return {"cpu": computing + staying} if device == "cpu" else {device: computing, "cpu": staying}

    def words(self, device: str) -> str:
        """Return the sums, and every part, in MiB."""
        sums = " and ".join(
            f"{size // _MIB} MiB on {place}" for place, size in self.by_device(device).items()
        )
        parts = [*self.computing.items(), *self.staying.items()]
        return f"{sums}: {', '.join(f'{name} {size // _MIB}' for name, size in parts)}"


def estimate_memory(config: TrainConfig, sequences: Sequences, width: int, device: str) -> Memory:
    """Return about how much training takes, within a factor of 1.5 on the processor.

    Args:
        config: the stage's settings.
        sequences: whole histories.
        width: numbers of an item's frozen vector; 0 if there is none.
        device: where it computes.

    Raises:
        UsageError: there is no such backbone or loss.
    """
    n_items = sequences.n_items
    model = _without_storage(config, n_items, width)
    weights = _FLOAT * sum(parameter.numel() for parameter in model.parameters())
    frozen = _FLOAT * n_items * width
    computing = {
        "weights and Adam": 4 * weights,  # a gradient and two moments each
        "item table": _FLOAT * n_items * config.dim * _table_widths(config, model),
        "events": max(_learned(config, sequences, device), _ranked(config, sequences)),
        "scores": max(_compared(config, sequences, device), 3 * _FLOAT * users_together(n_items) * n_items),
    }
    if device == "cpu":  # a card's allocator reuses what differs in size
        computing["gaps"] = round(sum(computing.values()) * min(1.0, _steps(config, sequences) / _SCATTERED))
    staying = {
        "copies": 5 * weights + frozen,  # of the best epoch and the one before it, and for the checkpoint
        "histories": 5 * _INTEGER * len(sequences.items),
        "libraries": _LIBRARIES,
    }
    return Memory(computing if device == "cpu" else {**computing, "vectors": frozen}, staying)


def require_memory(memory: Memory, device: torch.device) -> None:
    """Refuse a run that this machine, or its card, has not the memory for.

    Raises:
        GenairError: there is not enough; the message has both numbers.
    """
    for place, needed in memory.by_device(device.type).items():
        there = free_on(str(device) if place == device.type else place)
        if there is not None and needed > there:
            raise GenairError(
                f"not enough memory: training would take about {needed // _MIB} MiB on {place}, and"
                f" {there // _MIB} MiB are free: try a smaller --batch-size, --max-length or --dim"
            )


def _without_storage(config: TrainConfig, n_items: int, width: int) -> Recommender:
    with torch.device("meta"):
        vectors = torch.empty(n_items, width) if width else None
        return Recommender(ItemEncoder(config, n_items, vectors), backbone_of(config.backbone)(config))


def _table_widths(config: TrainConfig, model: Recommender) -> int:
    """Return the numbers of an item, in `dim`: its row, and what an adapter keeps, with their gradients."""
    learned = LOSSES.get(config.loss).whole  # otherwise of a few items, and of all only while ranking
    mapped = (11 if learned else 6) if model.items.adapter else 0
    return mapped + (6 if learned else 3)


def _learned(config: TrainConfig, sequences: Sequences, device: str) -> int:
    """Return the bytes that a backbone keeps of a step's events, for their gradients."""
    events, pairs = _largest_step(config, sequences)
    attends = "heads" in backbone_of(config.backbone).uses
    numbers = _OUTSIDE + config.blocks * (_TRANSFORMER if attends else _OTHER)
    matrices = config.heads * (config.blocks * _MATRICES + _PASSING) if attends else 0
    size = _FLOAT if config.precision == "fp32" or device == "cpu" else _MIXED
    return size * (events * numbers * config.dim + pairs * matrices)


def _ranked(config: TrainConfig, sequences: Sequences) -> int:
    """Return the bytes that a backbone has of the events of users who are ranked together."""
    users = min(users_together(sequences.n_items), len(sequences))
    length = min(config.max_length, int(sequences.lengths().max()))
    return _FLOAT * users * length * config.dim * _RANKED


def _compared(config: TrainConfig, sequences: Sequences, device: str) -> int:
    """Return the bytes of a step's scores."""
    loss = LOSSES.get(config.loss)
    if loss.whole:
        size = _FLOAT + _HALF if config.precision == "bf16" else _FLOAT
        return size * chunk_events(device, sequences.n_items) * sequences.n_items
    if "negatives" in loss.uses:
        return _SHARED * _FLOAT * chunk_events(device, config.negatives) * config.negatives
    return _FLOAT * _PAIRED * _largest_step(config, sequences)[0]


def _largest_step(config: TrainConfig, sequences: Sequences) -> tuple[int, int]:
    """Return the most events, and pairs of them, that a hundred batches drawn as in training have, padded."""
    drawn = np.random.default_rng(0).permutation(_inputs(config, sequences))
    starts = range(0, min(len(drawn), _TRIED * config.batch_size), config.batch_size)
    steps = np.asarray([_padded(drawn[start : start + config.batch_size]) for start in starts] or [(0, 0)])
    return int(steps[:, 0].max()), int(steps[:, 1].max())


def _steps(config: TrainConfig, sequences: Sequences) -> int:
    """Return how many steps an epoch has."""
    return -(-len(_inputs(config, sequences)) // config.batch_size)


def _inputs(config: TrainConfig, sequences: Sequences) -> npt.NDArray[np.int64]:
    """Return the inputs of each window that histories are cut into."""
    inputs = np.maximum(sequences.lengths() - 1, 0)
    full = np.full(int((inputs // config.max_length).sum()), config.max_length)
    rest = inputs % config.max_length
    return np.concatenate([full, rest[rest > 0]])


def _padded(lengths: npt.NDArray[np.int64]) -> tuple[int, int]:
    """Return the events of a batch, and their pairs, with what its pieces pad."""
    lengths = np.sort(lengths)
    cut = [lengths[piece] for piece in pieces(lengths)]
    return sum(len(own) * int(own[-1]) for own in cut), sum(len(own) * int(own[-1]) ** 2 for own in cut)
