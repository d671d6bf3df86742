"""The Yelp Open Dataset, and Yelp's dump for the RecSys Challenge 2013: reviews and businesses, JSON lines.

Reviews are events. Of a business its name, categories, city and state are kept.
"""

from collections.abc import Iterator
from typing import Any

from genair.config.importing import TableConfig
from genair.data.importers import rows
from genair.data.importers.base import Batch, Fields
from genair.io.dumps import Dump
from genair.records import Failed, Item

_FIELDS = Fields("user_id", "business_id", "date", "stars", "iso")


class Yelp:
    """Reviews and businesses."""

    def __init__(self, _table: TableConfig) -> None:
        """Need nothing of a table's settings: the format says all."""

    def log(self, dump: Dump) -> Iterator[Batch]:
        """Yield the reviews as events."""
        return rows.batches(dump, lambda _: _FIELDS)

    def items(self, dump: Dump) -> Iterator[tuple[str, Item | Failed]]:
        """Yield the businesses."""
        return rows.items(dump, lambda _: "business_id", _tell)


def _tell(row: rows.Row) -> dict[str, Any]:
    categories = row.get("categories")
    if isinstance(categories, str):  # a list until 2017
        categories = [name.strip() for name in categories.split(",")]
    return {
        "name": row.get("name"),
        "categories": categories,
        "city": row.get("city"),
        "state": row.get("state"),
    }
