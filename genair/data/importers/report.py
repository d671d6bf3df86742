"""What an import did, and what of it matters to whoever goes on with the files."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl

from genair.config.importing import FilterConfig
from genair.data.clock import EPOCH, Clock
from genair.data.filters import Sieve, Size
from genair.data.importers.catalogue import Catalogue
from genair.data.summary import Summary, summarise, words_on_ties

_SPACED = r"^\s|\s$"
_USUAL = (0, 4_102_444_800)  # 1970 to 2100


@dataclass(frozen=True)
class Report:
    """An import in figures.

    Attributes:
        read: the log before any step.
        losses: what each step took, by name, in order.
        summary: the log after all.
        clock: what its times are; None where there are none.
        items_without_text: items that stay and say nothing.
        has_table: whether there is an item table.
        items_without_line: those of them that the item table lacks.
        hidden_ids: items with another column item_id than their id, which is left out.
        repeated_items: lines of the item table for an item that had one already.
        spaced_ids: ids that begin or end with white space.
        odd_times: events before 1970 or after 2100.
        below_core: users and items with fewer events than the core asks for, after the later steps.
    """

    read: Size
    losses: Mapping[str, Size]
    summary: Summary
    clock: Clock | None
    items_without_text: int
    has_table: bool
    items_without_line: int
    hidden_ids: int
    repeated_items: int
    spaced_ids: int
    odd_times: int
    below_core: int

    def to_row(self) -> dict[str, Any]:
        """Return all of it as JSON."""
        return {**asdict(self), "warnings": list(self.warnings())}

    def lines(self) -> Iterator[str]:
        """Yield in words what there is, and what each step took."""
        one = self.summary
        yield f"{one.users} users, {one.items} items, {one.interactions} interactions"
        yield (
            f"{one.mean_length:.2f} events a user, median {one.median_length:g}; sparsity {one.sparsity:.2%}"
            + ("" if one.ties is None else f"; {one.ties:.0%} ties in time")
        )
        if self.clock is not None:
            yield f"times: {self.clock.words()}{_span(one)}"
        for step, loss in self.losses.items():
            yield f"{step} took {loss.interactions} interactions, {loss.users} users, {loss.items} items"
        if self.repeated_items:
            yield f"{self.repeated_items} lines of items repeat an id: the first counts"

    def warnings(self) -> Iterator[str]:
        """Yield what should be known before going on, most important first."""
        summary = self.summary
        if words := words_on_ties(summary.ties or 0):
            yield words
        if self.clock is None:
            yield "no times: the order of the lines counts, and a split by time is impossible"
        elif self.clock.per_second is None:
            yield "the times only order the events: a split by time is impossible"
        if self.items_without_line and self.has_table:
            yield (
                f"{self.items_without_line} of {summary.items} items have no line in the item table"
                + (": are its ids in another column?" if self.items_without_line == summary.items else "")
            )
        if self.items_without_text:
            yield (
                f"{self.items_without_text} of {summary.items} items have no text, which genair archetype"
                " needs: --no-text drop leaves them out"
            )
        if self.hidden_ids:
            yield f"{self.hidden_ids} items have a column item_id that is not their id, and is left out"
        if self.odd_times:
            yield f"{self.odd_times} events lie before 1970 or after 2100: is the unit of time right?"
        if self.spaced_ids:
            yield f"{self.spaced_ids} ids begin or end with white space, which is part of them"
        if self.below_core:
            yield f"{self.below_core} users and items are below the core after the steps behind it"


def _span(summary: Summary) -> str:
    if summary.first is None or summary.last is None:
        return ""
    return f", {_day(summary.first)} to {_day(summary.last)}"


def _day(seconds: float) -> str:
    """Return a day, or the seconds if they are far from any calendar."""
    try:
        return f"{EPOCH + timedelta(seconds=seconds):%Y-%m-%d}"
    except OverflowError:
        return f"{seconds} s"


def report_on(sieve: Sieve, catalogue: Catalogue, config: FilterConfig, *, has_table: bool) -> Report:
    """Sum up an import.

    Args:
        sieve: what is left of the log.
        catalogue: its items.
        config: what was to be kept.
        has_table: whether there is an item table.
    """
    kept = sieve.present("item")
    ids = (sieve.users.filter(sieve.present("user")), sieve.items.filter(kept))
    return Report(
        read=sieve.read,
        losses=sieve.losses,
        summary=summarise(sieve.frame, sieve.clock),
        clock=sieve.clock,
        items_without_text=int((kept & ~catalogue.has_text).sum()),
        has_table=has_table,
        items_without_line=catalogue.missing(kept),
        hidden_ids=catalogue.hidden,
        repeated_items=catalogue.repeated,
        spaced_ids=sum(int(some.str.contains(_SPACED).sum()) for some in ids),
        odd_times=_odd_times(sieve.frame, sieve.clock),
        below_core=_below(sieve.frame, config) if config.core == "iterated" else 0,
    )


def _below(frame: pl.DataFrame, config: FilterConfig) -> int:
    """Return how many users and items have fewer events than the core asks for."""
    least = (("user", config.min_user), ("item", config.min_item))
    counts = ((np.bincount(frame[part].to_numpy()), few) for part, few in least)
    return sum(int(((count > 0) & (count < few)).sum()) for count, few in counts)


def _odd_times(frame: pl.DataFrame, clock: Clock | None) -> int:
    if clock is None or clock.per_second is None:
        return 0
    first, last = (border * clock.per_second for border in _USUAL)
    return int((~frame["time"].is_between(first, last)).sum())
