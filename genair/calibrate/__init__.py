"""Bending the space of item vectors until it agrees with what people consume together."""

from typing import TYPE_CHECKING

from genair.registry import Registry

if TYPE_CHECKING:
    from genair.calibrate.objectives.base import Objective

OBJECTIVES: Registry["type[Objective]"] = Registry(
    "objective",
    {
        "alignment": "genair.calibrate.objectives.alignment:AlignmentUniformity",
        "contrastive": "genair.calibrate.objectives.contrastive:Contrastive",
        "paper": "genair.calibrate.objectives.paper:WeightedRepulsion",
        "uniformity": "genair.calibrate.objectives.uniformity:WeightedUniformity",
    },
)
