"""Settings that change nothing beside the others: they are refused when given, and not recorded."""

from typing import Any

from genair.config import TrainConfig
from genair.models.base import backbone_of
from genair.train import LOSSES

_OF_BACKBONES = ("blocks", "heads", "dropout")
_OF_CLOZE = "mask_probability"
_OF_LOSSES = ("sampler", "negatives", "gbce_t")


def idle_settings(config: TrainConfig) -> dict[str, str]:
    """Return the names of the settings that change nothing, each with what makes it so.

    Raises:
        UsageError: there is no such backbone or loss.
    """
    backbone, loss = backbone_of(config.backbone), LOSSES.get(config.loss)
    uses = backbone.uses if backbone.causal else backbone.uses | {_OF_CLOZE}
    idle = {name: f"--backbone {config.backbone}" for name in (*_OF_BACKBONES, _OF_CLOZE) if name not in uses}
    return idle | {name: f"--loss {config.loss}" for name in _OF_LOSSES if name not in loss.uses}


def used_settings(config: TrainConfig) -> dict[str, Any]:
    """Return what provenance and the model file record: `config.settings()` less what is idle."""
    idle = idle_settings(config)
    return {name: value for name, value in config.settings().items() if name not in idle}
