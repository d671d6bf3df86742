"""What an importer is, and the batches of records that it makes of a log."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import polars as pl

from genair.io.dumps import Dump
from genair.records import Failed, Item

Values = Sequence[Any] | pl.Series


@dataclass(frozen=True)
class Fields:
    """What the source calls the parts of an event.

    Attributes:
        user: the user's id.
        item: the item's id.
        time: when it was; None if the source does not tell.
        rating: how much it was liked; None if the source does not tell.
        time_format: one of `TIME_FORMATS` or a pattern.
        missed: what a part that nobody named would have been called, had the source had it.
    """

    user: str
    item: str
    time: str | None = None
    rating: str | None = None
    time_format: str = "auto"
    missed: frozenset[str] = frozenset()

    def parts(self) -> Mapping[str, str]:
        """Return our name of each part that there is, and the source's."""
        named = {"user": self.user, "item": self.item, "time": self.time, "rating": self.rating}
        return {part: name for part, name in named.items() if name is not None}


@dataclass(frozen=True)
class Batch:
    """Records of a log as they came, not yet checked.

    Attributes:
        fields: what the source calls their parts.
        lines: int64, the line of each record.
        columns: by part; ids are text, times and ratings text, numbers or dates; null is missing or unusable.
        raw: by part, what stood there, for errors; the columns, unless they were converted.
        failures: records that could not be read at all.
        text: what stands in a line, for errors.
    """

    fields: Fields
    lines: pl.Series
    columns: Mapping[str, pl.Series]
    raw: Mapping[str, Values]
    failures: Sequence[tuple[int, Failed]] = ()
    text: Callable[[int], object] = field(default=str)


class Importer(Protocol):
    """A format of logs and of item tables."""

    def log(self, dump: Dump) -> Iterator[Batch]:
        """Yield the events.

        Raises:
            InputError: the input is not of this format, or nothing more of it can be read.
        """

    def items(self, dump: Dump) -> Iterator[tuple[str, Item | Failed]]:
        """Yield the items, each with its place; the attributes are as they came.

        Raises:
            InputError: the input is not of this format, or nothing more of it can be read.
        """
