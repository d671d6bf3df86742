"""Groups of users and of target items, by how often they occur in training events only."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genair.config import EvaluateConfig
from genair.data.sequences import Indices

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Groups:
    """Who is in which group.

    Attributes:
        item_events: training events of each user's target item, shape (users,).
        user_events: training events of each user, shape (users,).
        tail_below: items with fewer training events are tail, the others popular.
        short_below: users with fewer training events are short, the others long.
    """

    item_events: Indices
    user_events: Indices
    tail_below: int
    short_below: int

    def masks(self) -> dict[str, Mask]:
        """Return the users of each group, shape (users,), by its name; some may have none."""
        tail, short = self.item_events < self.tail_below, self.user_events < self.short_below
        return {
            "all": np.ones_like(tail),
            "tail": tail,
            "popular": ~tail,
            "short": short,
            "long": ~short,
        }


def make_groups(
    events: Indices, named: Indices, targets: Indices, user_events: Indices, config: EvaluateConfig
) -> Groups:
    """Group users by themselves and by their targets.

    Args:
        events: training events of each item, shape (items,).
        named: indices of the items that quantiles are taken over.
        targets: item indices, shape (users,).
        user_events: training events of each user, shape (users,).
        config: the thresholds, or the quantiles that they lie at.
    """
    tail, short = config.tail_below, config.short_below
    return Groups(
        item_events=events[targets - 1],
        user_events=user_events,
        tail_below=threshold(events[named - 1], config.tail_quantile) if tail is None else tail,
        short_below=threshold(user_events, config.short_quantile) if short is None else short,
    )


def threshold(counts: Indices, quantile: float) -> int:
    """Return the least number that at least this share of the counts is below; equal counts stay together."""
    return int(np.quantile(counts, quantile, method="inverted_cdf")) + 1
