"""Ids, interactions, sequences and the graph of what is consumed together."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from genair.registry import Registry

if TYPE_CHECKING:
    from genair.data.scores import Score
    from genair.data.sequences import Split

SCORES: Registry["type[Score]"] = Registry(
    "score",
    {
        "log": "genair.data.scores:Log",
        "ppmi": "genair.data.scores:Ppmi",
        "cosine": "genair.data.scores:Cosine",
        "jaccard": "genair.data.scores:Jaccard",
    },
)

SPLITS: Registry["Callable[..., Split]"] = Registry(
    "split",
    {
        "last-two": "genair.data.sequences:leave_two_out",
        "time": "genair.data.timesplit:split_by_time",
    },
)
