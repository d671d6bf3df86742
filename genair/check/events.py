"""Whom and what a log names: rules on its ids."""

import numpy as np

from genair.check.findings import NOWHERE, Places, one_place
from genair.check.ids import lookalikes, nearest_known, spaced
from genair.check.log import Log, first_events


def bad_ids(log: Log) -> Places:
    """Find ids that cannot be one."""
    return log.bad_ids.places


def unknown_items(log: Log) -> Places:
    """Find items that are not in the catalogue, each at its first event."""
    known = log.catalogue
    if not known.is_whole:
        return NOWHERE
    unknown = np.fromiter((one not in known.rows for one in log.item_ids), dtype=np.bool_)
    codes = np.flatnonzero(unknown)
    near = nearest_known([log.item_ids[code] for code in codes[: log.lines.limit]], known.item_ids)
    counts = np.bincount(log.items, minlength=len(log.item_ids))

    def tell(row: int) -> str:
        code = int(log.items[row])
        item_id = log.item_ids[code]
        hint = f"; {near[item_id]!r} is" if item_id in near else ""
        return f"item {item_id!r} ({counts[code]} events) is not in {known.lines.name}{hint}"

    return log.lines.at(first_events(log.items)[codes], tell)


def not_compared(log: Log) -> Places:
    """Find that there is no whole catalogue to look the items up in."""
    if log.catalogue.is_whole:
        return NOWHERE
    name = log.catalogue.lines.name
    return one_place(log.lines.name, f"its items were not looked up in {name}, which is damaged or empty")


def spaced_users(log: Log) -> Places:
    """Find user ids with white space around them."""
    ids = log.user_ids
    rows = first_events(log.users)[spaced(ids)]
    return log.lines.at(
        rows,
        lambda row: f"user_id {ids[log.users[row]]!r} begins or ends with white space, which is part of it",
    )


def lookalike_users(log: Log) -> Places:
    """Find user ids that are all but equal."""
    found, firsts, ids = lookalikes(log.user_ids), first_events(log.users), log.user_ids

    def tell(row: int) -> str:
        user = int(log.users[row])
        line = log.lines.line_of(int(firsts[found[user]]))
        return f"user_id {ids[user]!r} is all but {ids[found[user]]!r} on line {line}"

    return log.lines.at(firsts[np.fromiter(found, dtype=np.int64, count=len(found))], tell)
