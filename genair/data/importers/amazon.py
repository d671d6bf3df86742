"""Amazon reviews and product metadata: the dumps of 2014 (Python literals), 2018 and 2023 (JSON lines).

J. McAuley and others, University of California San Diego. Reviews are events; of a product its title, brand,
categories, description, features and price are kept. Which dump it is, the lines say themselves.
"""

import re
from collections.abc import Iterator
from typing import Any

from genair.config.importing import TableConfig
from genair.data.importers import rows
from genair.data.importers.base import Batch, Fields
from genair.data.importers.literals import parse_literal
from genair.io.dumps import Dump
from genair.records import Failed, Item

_UNTIL_2018 = Fields("reviewerID", "asin", "unixReviewTime", "overall", "s")
_OF_2023 = Fields("user_id", "parent_asin", "timestamp", "rating", "ms")
_PRICE = re.compile(r"\$?\s*\d[\d.,]*(\s*-\s*\$?\s*\d[\d.,]*)?")


class Amazon:
    """Reviews and metadata."""

    def __init__(self, _table: TableConfig) -> None:
        """Need nothing of a table's settings: the format says all."""

    def log(self, dump: Dump) -> Iterator[Batch]:
        """Yield the reviews as events."""
        return rows.batches(
            dump, lambda row: _OF_2023 if "parent_asin" in row else _UNTIL_2018, parse_literal
        )

    def items(self, dump: Dump) -> Iterator[tuple[str, Item | Failed]]:
        """Yield the products."""
        return rows.items(
            dump, lambda row: "parent_asin" if "parent_asin" in row else "asin", _tell, parse_literal
        )


def _tell(row: rows.Row) -> dict[str, Any]:
    return {
        "title": _title(row.get("title")),
        "brand": row.get("brand") or row.get("store"),
        "categories": _flat(row.get("categories") or row.get("category")) or _flat(row.get("main_category")),
        "description": row.get("description"),
        "features": row.get("features") or row.get("feature"),
        "price": _price(row.get("price")),
    }


def _title(title: object) -> object:
    """Return a title, unless the crawler took the page's script for it."""
    return None if isinstance(title, str) and "getTime" in title else title


def _price(price: object) -> object:
    """Return a price, unless the crawler took the page's style for it."""
    return None if isinstance(price, str) and not _PRICE.fullmatch(price.strip()) else price


def _flat(categories: object) -> list[str]:
    """Return all names in lists of lists, each once."""
    if isinstance(categories, list):
        return list(dict.fromkeys(name for part in categories for name in _flat(part)))
    return [categories] if isinstance(categories, str) else []
