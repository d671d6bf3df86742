"""Training recommenders."""

from typing import TYPE_CHECKING

from genair.registry import Registry

if TYPE_CHECKING:
    from genair.train.losses import Loss

LOSSES: Registry["Loss"] = Registry("loss", {"ce": "genair.train.losses:cross_entropy"})
