"""What an epoch leaves behind for the next one: all that changes in a learner, as arrays and JSON.

Put back into a learner that was made of the same data and settings, it goes on as if nothing had happened.
Item vectors are not among it: they are frozen, and part of the data.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from genair.io.container import Array
from genair.models.base import Recommender
from genair.train.learner import Learner

FROZEN = "items.vectors"


@dataclass(frozen=True)
class State:
    """All that changes.

    Attributes:
        arrays: `weights/NAME`, `optimizer/KEY/NAME` and `random/NAME`, of torch's generators.
        values: JSON: epochs and steps so far, the learning rate, the scale of fp16's gradients, numpy's
            generator, the weight of joint training.
    """

    arrays: Mapping[str, Array]
    values: Mapping[str, Any]


def learned(model: Recommender) -> dict[str, Array]:
    """Return copies of all weights but the frozen item vectors, by name."""
    return {name: _array(value) for name, value in model.state_dict().items() if name != FROZEN}


def state_of(learner: Learner) -> State:
    """Return copies of all that changes in a learner, between two epochs."""
    arrays = {f"weights/{name}": array for name, array in learned(learner.model).items()}
    for name, parameter in learner.model.named_parameters():
        for key, value in learner.optimizer.state[parameter].items():
            arrays[f"optimizer/{key}/{name}"] = _array(value)
    for name, state in _random_states(learner).items():
        arrays[f"random/{name}"] = _array(state)
    values = {
        "epochs": learner.epochs,
        "order": learner.order.bit_generator.state,
        "schedule": learner.schedule.state_dict(),
        "scaler": learner.precision.scaler.state_dict(),
    }
    if learner.joint is not None:
        values["joint"] = {"alpha": learner.joint.alpha, "steps": learner.joint.steps}
    return State(arrays, values)


def restore(learner: Learner, state: State) -> None:
    """Put back what `state_of` returned.

    Raises:
        KeyError: it is another kind of learner's.
        RuntimeError: likewise.
    """
    kept = {name: value for name, value in learner.model.state_dict().items() if name == FROZEN}
    learner.model.load_state_dict({**kept, **_below("weights", state.arrays)})
    _restore_optimizer(learner, state.arrays)
    _restore_schedule(learner, state.values["schedule"])
    learner.precision.scaler.load_state_dict(state.values["scaler"])
    _restore_random(learner, _below("random", state.arrays))
    learner.epochs = state.values["epochs"]
    learner.order.bit_generator.state = state.values["order"]
    if learner.joint is not None:
        learner.joint.alpha = state.values["joint"]["alpha"]
        learner.joint.steps = state.values["joint"]["steps"]


def _restore_optimizer(learner: Learner, arrays: Mapping[str, Array]) -> None:
    whole = learner.optimizer.state_dict()
    order = {name: index for index, (name, _) in enumerate(learner.model.named_parameters())}
    for path, value in _below("optimizer", arrays).items():
        key, _, name = path.partition("/")
        whole["state"].setdefault(order[name], {})[key] = value
    learner.optimizer.load_state_dict(whole)


def _restore_schedule(learner: Learner, values: Mapping[str, Any]) -> None:
    learner.schedule.load_state_dict(dict(values))
    for group, rate in zip(learner.optimizer.param_groups, learner.schedule.get_last_lr(), strict=True):
        group["lr"] = rate


def _generators(learner: Learner) -> dict[str, torch.Generator]:
    """Return torch's generators on the processor that a learner draws from, by name."""
    found = {"dropout": torch.default_generator}
    if learner.loss.generator is not None:
        found["negatives"] = learner.loss.generator
    if learner.joint is not None:
        found["joint"] = learner.joint.generator
    return found


def _random_states(learner: Learner) -> dict[str, Tensor]:
    states = {name: generator.get_state() for name, generator in _generators(learner).items()}
    if learner.device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(learner.device)
    return states


def _restore_random(learner: Learner, states: Mapping[str, Tensor]) -> None:
    for name, generator in _generators(learner).items():
        generator.set_state(states[name])
    if learner.device.type == "cuda":
        torch.cuda.set_rng_state(states["cuda"], learner.device)


def _below(group: str, arrays: Mapping[str, Array]) -> dict[str, Tensor]:
    """Return the arrays of a group, by what follows its name."""
    prefix = f"{group}/"
    return {
        path.removeprefix(prefix): torch.from_numpy(array)
        for path, array in arrays.items()
        if path.startswith(prefix)
    }


def _array(value: Tensor) -> Array:
    array: Array = value.detach().cpu().numpy().copy()
    return array
