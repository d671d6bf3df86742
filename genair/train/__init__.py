"""Training recommenders."""

from collections.abc import Callable
from importlib import resources
from typing import TYPE_CHECKING

from genair.io.shelf import Shelf
from genair.registry import Registry

if TYPE_CHECKING:
    from genair.train.losses import Loss
    from genair.train.samplers import Sampler

LOSSES: Registry["type[Loss]"] = Registry(
    "loss",
    {
        "ce": "genair.train.losses:CrossEntropy",
        "sampled-ce": "genair.train.sampled:SampledSoftmax",
        "gbce": "genair.train.sampled:GeneralisedBCE",
        "bce": "genair.train.sampled:PairedBCE",
    },
)
SAMPLERS: Registry["type[Sampler]"] = Registry(
    "sampler",
    {"uniform": "genair.train.samplers:Uniform", "popularity": "genair.train.samplers:Popularity"},
)
SCHEDULES: Registry["Callable[[float], float]"] = Registry(
    "schedule",
    {
        "constant": "genair.train.schedules:constant",
        "linear": "genair.train.schedules:linear",
        "cosine": "genair.train.schedules:cosine",
    },
)
RECIPES = Shelf("recipe", resources.files("genair") / "recipes", takes_paths=True)
