"""Ids, interactions, sequences and the graph of what is consumed together."""

from typing import TYPE_CHECKING

from genair.registry import Registry

if TYPE_CHECKING:
    from genair.data.scores import Score

SCORES: Registry["type[Score]"] = Registry(
    "score",
    {
        "log": "genair.data.scores:Log",
        "ppmi": "genair.data.scores:Ppmi",
        "cosine": "genair.data.scores:Cosine",
        "jaccard": "genair.data.scores:Jaccard",
    },
)
