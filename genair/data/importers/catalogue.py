"""The items of a log: their text made plain, spooled until it is known which of them stay.

Only items that the log has are kept, in the order of the item table; those that it lacks come last, by id.
"""

import math
import tempfile
from array import array
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, time
from decimal import Decimal
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from genair.io.jsonl import encode_line
from genair.plaintext import clean_text, has_letters, plain_text, text_keys
from genair.records import Item

Mask = npt.NDArray[np.bool_]
_IN_MEMORY = 1 << 26
_EMPTY: tuple[object, ...] = (None, "", [], {})


class Catalogue:
    """Items found so far.

    Attributes:
        has_text: by item index, whether anything readable is known of it.
        repeated: lines of items that had one already; the first counts.
        hidden: items with an attribute called item_id that is not their id; it is left out.
    """

    def __init__(self, ids: pl.Series, wanted: Mask, spool: IO[bytes]) -> None:
        """Take all item ids, which of them the log has, and a file to write and read; use `collecting`."""
        self._ids = ids
        self._index = dict(zip(ids.filter(wanted).to_list(), np.flatnonzero(wanted).tolist(), strict=True))
        self._spool = spool
        self._order = array("Q")
        self._known = np.zeros(len(ids), dtype=bool)
        self.has_text: Mask = np.zeros(len(ids), dtype=bool)
        self.repeated = 0
        self.hidden = 0

    def add(self, item: Item) -> None:
        """Keep an item, if the log has it."""
        index = self._index.get(item.item_id)
        if index is None:
            return
        if self._known[index]:
            self.repeated += 1
            return
        attributes = plain_attributes(item.attributes)
        self.hidden += str(attributes.pop("item_id", item.item_id)) != item.item_id
        line = encode_line({"item_id": item.item_id, **attributes})
        self._known[index] = True
        self.has_text[index] = any(has_letters(clean_text(attributes[key])) for key in text_keys(attributes))
        self._order.append(index)
        self._spool.write(line)

    def missing(self, kept: Mask) -> int:
        """Return how many of the items that stay have no line in the item table."""
        return int((kept & ~self._known).sum())

    def lines(self, kept: Mask) -> Iterator[bytes]:
        """Yield the lines of the items that stay, by item index."""
        self._spool.seek(0)
        for index, line in zip(self._order, self._spool, strict=True):
            if kept[index]:
                yield line
        for item_id in self._ids.filter(kept & ~self._known):
            yield encode_line({"item_id": item_id})


@contextmanager
def collecting(ids: pl.Series, wanted: Mask) -> Iterator[Catalogue]:
    """Yield a catalogue to fill; its spool is a temporary file once it is large.

    Args:
        ids: all item ids.
        wanted: by item index, whether the log has it.
    """
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:
        yield Catalogue(ids, wanted, spool)


def plain_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes as plain JSON: text without HTML, and nothing that is empty.

    Raises:
        RecursionError: they are nested too deep.
    """
    plain = ((plain_text(str(key)), _plain(value)) for key, value in attributes.items())
    return {key: value for key, value in plain if value not in _EMPTY}


def _plain(value: object) -> object:
    match value:
        case str():
            return plain_text(value)
        case Mapping():
            return plain_attributes(value)
        case list():
            return [part for part in map(_plain, value) if part not in _EMPTY]
        case date() | time() | Decimal():
            return str(value)
        case bool() | int():
            return value
    return (
        value if isinstance(value, float) and math.isfinite(value) else None
    )  # bytes and the like are no text
