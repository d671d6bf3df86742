"""Bending the space of item vectors until it agrees with what people consume together."""

from typing import TYPE_CHECKING

from genair.registry import Registry

if TYPE_CHECKING:
    from genair.calibrate.objectives import Objective

OBJECTIVES: Registry["type[Objective]"] = Registry(
    "objective",
    {
        "alignment": "genair.calibrate.objectives:AlignmentUniformity",
        "paper": "genair.calibrate.objectives:WeightedRepulsion",
    },
)
