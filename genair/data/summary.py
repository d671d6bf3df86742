"""What a log is like: its size, how dense it is, and whether its times order it."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from genair.data.clock import Clock

MANY_TIES = 0.2


@dataclass(frozen=True)
class Summary:
    """A log in figures.

    Attributes:
        users: users with events.
        items: items with events.
        interactions: events.
        mean_length: events of a user, on average.
        median_length: the same, as a median.
        sparsity: 1 - different pairs of user and item / (users x items).
        ties: share of a user's neighbouring events that have the same time, 0 to 1; None without times.
        first: earliest time in seconds since 1970; None if times only order the events.
        last: latest time in the same way.
    """

    users: int
    items: int
    interactions: int
    mean_length: float
    median_length: float
    sparsity: float
    ties: float | None
    first: float | None
    last: float | None


def summarise(frame: pl.DataFrame, clock: Clock | None) -> Summary:
    """Sum up a log that is not empty.

    Args:
        frame: events in order: `user` and `item` (uint32), `time` if there are times.
        clock: what the times are; None without times.
    """
    lengths = np.bincount(frame["user"].to_numpy())
    lengths = lengths[lengths > 0]
    users, items = len(lengths), frame["item"].n_unique()
    first, last = _span(frame, clock)
    return Summary(
        users,
        items,
        len(frame),
        mean_length=float(lengths.mean()),
        median_length=float(np.median(lengths)),
        sparsity=1 - frame.n_unique(["user", "item"]) / (users * items),
        ties=None if clock is None else share_of_ties(frame),
        first=first,
        last=last,
    )


def words_on_ties(share: float) -> str:
    """Return what a share of ties means for what comes later; nothing up to `MANY_TIES`."""
    if share <= MANY_TIES:
        return ""
    return (
        f"{share:.0%} of neighbouring events of a user have the same time: their order is"
        " arbitrary, and next-item metrics are unreliable"
    )


def share_of_ties(frame: pl.DataFrame) -> float:
    """Return the share of a user's neighbouring events whose times are equal, 0 without neighbours."""
    same_user = pl.col("user") == pl.col("user").shift(1)
    same_time = pl.col("time") == pl.col("time").shift(1)
    tied, neighbours = frame.select(tied=(same_user & same_time).sum(), neighbours=same_user.sum()).row(0)
    return float(tied / max(1, neighbours))


def _span(frame: pl.DataFrame, clock: Clock | None) -> tuple[float | None, float | None]:
    if clock is None or clock.per_second is None:
        return None, None
    ends = pl.Series([frame["time"].min(), frame["time"].max()], dtype=frame["time"].dtype)
    first, last = clock.seconds(ends)
    return first, last
