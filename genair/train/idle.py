"""Settings that change nothing beside the others: they are refused when given, and not recorded."""

from typing import Any

from genair.calibrate import OBJECTIVES
from genair.config import JointConfig, TrainConfig
from genair.data import SCORES, SPLITS
from genair.models.base import backbone_of
from genair.train import LOSSES, SAMPLERS, SCHEDULES

_OF_BACKBONES = ("blocks", "heads", "dropout")
_OF_CLOZE = "mask_probability"
_OF_LOSSES = ("sampler", "negatives", "gbce_t")


def idle_settings(config: TrainConfig) -> dict[str, str]:
    """Return the options that change nothing, by their names, each with what makes it so.

    Raises:
        UsageError: there is no such backbone, loss, sampler, schedule, objective, score or split.
    """
    SAMPLERS.check(config.sampler)
    SCHEDULES.check(config.schedule)
    OBJECTIVES.check(config.joint.objective)
    SCORES.check(config.joint.graph.score)
    SPLITS.check(config.split)
    backbone, loss = backbone_of(config.backbone), LOSSES.get(config.loss)
    uses = backbone.uses if backbone.causal else backbone.uses | {_OF_CLOZE}
    joint = () if config.joint.is_on() else JointConfig.kinds().keys() - set(JointConfig.WEIGHTS)
    return {
        **{
            name: f"with --backbone {config.backbone}"
            for name in (*_OF_BACKBONES, _OF_CLOZE)
            if name not in uses
        },
        **{name: f"with --loss {config.loss}" for name in _OF_LOSSES if name not in loss.uses},
        **dict.fromkeys(joint, "without --calibrate-weight or --alpha"),
    }


def used_settings(config: TrainConfig) -> dict[str, Any]:
    """Return what provenance and the model file record: `config.settings()` less what is idle."""
    idle = idle_settings(config)
    return {name: value for name, value in config.settings().items() if name not in idle}
