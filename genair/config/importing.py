"""Settings of an import: what a table's columns mean, and what of a log is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite

from genair.config.ranges import require
from genair.errors import UsageError

TIME_UNITS: Mapping[str, int] = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
TIME_FORMATS = ("auto", *TIME_UNITS, "iso", "order")
DUPLICATES = ("drop", "keep")
REPEATS = ("keep", "first", "last")
CORES = ("iterated", "once")
NO_TEXT = ("keep", "drop")


@dataclass(frozen=True)
class TableConfig:
    """What the columns of a table mean.

    Attributes:
        user: column with the user's id.
        item: column with the item's id.
        time: column with the time; None is `timestamp` if there is one, empty is none.
        rating: column with the rating; None is `rating` if there is one, empty is none.
        key: column of the item table with the item's id; empty is the same as `item`.
        time_format: one of `TIME_FORMATS`, or a pattern of strptime with `%`.
        columns: names of the columns of a log without a header.
        separator: between the columns of a text; empty is told by the header.
        encoding: of the text.
    """

    user: str = "user_id"
    item: str = "item_id"
    time: str | None = None
    rating: str | None = None
    key: str = ""
    time_format: str = "auto"
    columns: tuple[str, ...] = ()
    separator: str = ""
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        known = f"one of {', '.join(TIME_FORMATS)}, or a pattern like %d/%m/%Y"
        fine = self.time_format in TIME_FORMATS or "%" in self.time_format
        require(fine, "--time-format", self.time_format, known)
        one = len(self.separator.encode()) <= 1 and self.separator not in {'"', "\n", "\r"}
        require(one, "--separator", repr(self.separator), "one character")
        require(_is_encoding(self.encoding), "--encoding", self.encoding, "an encoding that Python knows")


@dataclass(frozen=True)
class FilterConfig:
    """What of a log is kept; the steps are taken in the order of the fields.

    Attributes:
        min_rating: lowest rating kept; None is any.
        since: first moment kept, ISO 8601, UTC without an offset; empty is any.
        until: first moment not kept any more, in the same way.
        duplicates: what happens to events that equal an earlier one in user, item, time and rating.
        repeats: which event of a user with an item is kept: all, the first or the last.
        min_user: events a user must have.
        min_item: events an item must have.
        core: `iterated` drops until all have enough; `once` counts before anything is dropped.
        no_text: what happens to items without text.
        min_length: events a user must have left in the end.
    """

    min_rating: float | None = None
    since: str = ""
    until: str = ""
    duplicates: str = "drop"
    repeats: str = "keep"
    min_user: int = 1
    min_item: int = 1
    core: str = "iterated"
    no_text: str = "keep"
    min_length: int = 1

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        least = self.min_rating
        require(least is None or isfinite(least), "--min-rating", least, "finite")
        require(self.duplicates in DUPLICATES, "--duplicates", self.duplicates, " or ".join(DUPLICATES))
        require(self.repeats in REPEATS, "--repeats", self.repeats, ", ".join(REPEATS))
        require(self.min_user >= 1, "--min-user", self.min_user, "1 or more")
        require(self.min_item >= 1, "--min-item", self.min_item, "1 or more")
        require(self.core in CORES, "--core", self.core, " or ".join(CORES))
        require(self.no_text in NO_TEXT, "--no-text", self.no_text, " or ".join(NO_TEXT))
        require(self.min_length >= 1, "--min-length", self.min_length, "1 or more")
        since, until = self.moments
        fine = since is None or until is None or since < until
        require(fine, "--until", self.until, f"later than --since {self.since}")

    @property
    def moments(self) -> tuple[datetime | None, datetime | None]:
        """Return since and until."""
        return parse_moment("--since", self.since), parse_moment("--until", self.until)


def parse_moment(flag: str, text: str) -> datetime | None:
    """Return a moment in ISO 8601, UTC unless it says otherwise; None if the text is empty.

    Raises:
        UsageError: it is something else.
    """
    if not text:
        return None
    try:
        return with_zone(datetime.fromisoformat(text))
    except ValueError:
        raise UsageError(f"{flag} must be a date or a time like 2019-01-31T12:00, not {text}") from None


def with_zone(moment: datetime) -> datetime:
    """Return a moment with its offset; without one it is UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _is_encoding(name: str) -> bool:
    try:
        return bool("".encode(name) is not None)
    except (LookupError, UnicodeError):
        return False
