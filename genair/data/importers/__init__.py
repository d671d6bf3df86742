"""Formats of logs and item tables, and the way from a publisher's dump to files that every stage reads."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from genair.config.importing import TableConfig
from genair.registry import Registry

if TYPE_CHECKING:
    from genair.data.importers.base import Importer

IMPORTERS: Registry["Callable[[TableConfig], Importer]"] = Registry(
    "format",
    {
        "amazon": "genair.data.importers.amazon:Amazon",
        "yelp": "genair.data.importers.yelp:Yelp",
        "movielens": "genair.data.importers.movielens:MovieLens",
        "table": "genair.data.importers.table:Table",
    },
)
