"""What is kept of a log, in a fixed order, and what each step costs.

Rating, dates, exact duplicates, repeated pairs, core; then, when the texts of the items are known, items
without text and minimum length. No step is taken twice: items without text may take users below the core.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from genair.config.importing import FilterConfig
from genair.data.events import Events, by_users, in_order
from genair.data.kcore import core, enough_at_once
from genair.errors import UsageError

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Size:
    """How large a log is."""

    interactions: int
    users: int
    items: int

    @classmethod
    def of(cls, frame: pl.DataFrame) -> "Size":
        """Count."""
        return cls(len(frame), frame["user"].n_unique(), frame["item"].n_unique())


class Sieve:
    """A log on its way through the steps.

    Attributes:
        frame: what is left of it.
        users: all its user ids, as in `Events`.
        items: all its item ids, as in `Events`.
        clock: what its times are; None without times.
        read: its size in the beginning.
        losses: what each step took, by name, in order.
    """

    def __init__(self, events: Events) -> None:
        """Begin with all of it."""
        self.frame = events.frame
        self.users, self.items, self.clock = events.users, events.items, events.clock
        self.read = self._size = Size.of(events.frame)
        self.losses: dict[str, Size] = {}

    def narrow(self, config: FilterConfig) -> None:
        """Take the steps that need no text, and put the events in order.

        Raises:
            UsageError: a setting needs ratings or times that the log lacks.
        """
        if config.min_rating is not None:
            self._step("rating", self._by_rating(config.min_rating))
        if config.since or config.until:
            self._step("dates", self._by_dates(config))
        self.frame = in_order(self.frame)
        if config.duplicates == "drop" and "time" in self.frame.columns:
            everything = self.frame.columns
            self._step("duplicates", lambda frame: _distinct(frame, everything, "first"))
        if config.repeats != "keep":
            self._step("repeats", lambda frame: _distinct(frame, ["user", "item"], config.repeats))
        if max(config.min_user, config.min_item) > 1:
            self._step("core", lambda frame: _core(frame, config))

    def narrow_to_text(self, has_text: Mask, config: FilterConfig) -> None:
        """Take the steps that come when the items are known.

        Args:
            has_text: by item index.
            config: which steps.
        """
        if config.no_text == "drop":
            self._step("text", lambda frame: frame.filter(has_text[frame["item"].to_numpy()]))
        if config.min_length > 1:
            least = config.min_length
            self._step("length", lambda frame: frame.filter(pl.len().over("user") >= least))

    def present(self, part: str) -> Mask:
        """Return, by index, which of all users (`user`) or items (`item`) are left."""
        present = np.zeros(len(self.users if part == "user" else self.items), dtype=bool)
        present[self.frame[part].to_numpy()] = True
        return present

    def _step(self, name: str, keep: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
        self.frame = keep(self.frame)
        size, before = Size.of(self.frame), asdict(self._size)
        self.losses[name] = Size(**{key: before[key] - left for key, left in asdict(size).items()})
        self._size = size

    def _by_rating(self, least: float) -> Callable[[pl.DataFrame], pl.DataFrame]:
        if "rating" not in self.frame.columns:
            raise UsageError("--min-rating needs ratings, and the log has none")
        return lambda frame: frame.filter(pl.col("rating") >= least)

    def _by_dates(self, config: FilterConfig) -> Callable[[pl.DataFrame], pl.DataFrame]:
        clock = self.clock
        if clock is None or clock.per_second is None:
            raise UsageError("--since and --until need times, and the log has only an order")
        since, until = config.moments
        fine = pl.lit(value=True)
        if since is not None:
            fine &= pl.col("time") >= clock.ticks(since)
        if until is not None:
            fine &= pl.col("time") < clock.ticks(until)
        return lambda frame: frame.filter(fine)


def _distinct(frame: pl.DataFrame, columns: list[str], keep: str) -> pl.DataFrame:
    """Keep the first or last of a user's events that are equal in some columns."""
    if frame.is_empty():
        return frame
    parts = by_users(frame)
    return pl.concat(
        part.unique(columns, keep="first" if keep == "first" else "last", maintain_order=True)
        for part in parts
    )


def _core(frame: pl.DataFrame, config: FilterConfig) -> pl.DataFrame:
    find = core if config.core == "iterated" else enough_at_once
    users, items = frame["user"].to_numpy(), frame["item"].to_numpy()
    return frame.filter(find(users, items, config.min_user, config.min_item))
