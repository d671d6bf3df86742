"""Sequential recommenders, composed of an item encoder and a backbone."""

from typing import TYPE_CHECKING

from genair.registry import Registry

if TYPE_CHECKING:
    from genair.models.base import Backbone

BACKBONES: Registry["type[Backbone]"] = Registry(
    "backbone",
    {
        "sasrec": "genair.models.sasrec:SASRec",
        "bert4rec": "genair.models.bert4rec:BERT4Rec",
        "gru4rec": "genair.models.gru4rec:GRU4Rec",
    },
    group="genair.backbones",
)
