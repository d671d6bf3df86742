"""Cores of a log: users and items with enough events.

A k-core is what is left when users and items with too few events are dropped until all have enough; there is
one, whatever is dropped first (Seidman, "Network structure and minimum degree", 1983). Dropping once, by
counts taken before anything is dropped, leaves users and items with too few: some published data sets are
made so.
"""

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.uint32]
Mask = npt.NDArray[np.bool_]


def core(users: Codes, items: Codes, min_user: int, min_item: int) -> Mask:
    """Return which events belong to the core: every user has min_user of them, every item min_item.

    Args:
        users: each event's user, shape (events,).
        items: each event's item, shape (events,).
        min_user: fewest events of a user.
        min_item: fewest events of an item.
    """
    kept = np.arange(len(users), dtype=np.uint32)
    while True:
        enough = enough_at_once(users[kept], items[kept], min_user, min_item)
        if enough.all():
            mask = np.zeros(len(users), dtype=bool)
            mask[kept] = True
            return mask
        kept = kept[enough]


def enough_at_once(users: Codes, items: Codes, min_user: int, min_item: int) -> Mask:
    """Return which events have a user with min_user and an item with min_item events, all counted once."""
    return _enough(users, min_user) & _enough(items, min_item)


def _enough(codes: Codes, least: int) -> Mask:
    return np.asarray(np.bincount(codes)[codes] >= least)
