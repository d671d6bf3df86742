"""Whether files of vectors and models belong to the items, to the log and to each other."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from genair.check.findings import NOWHERE, Place, Places, one_place
from genair.check.log import first_events
from genair.check.stored import Stored

_VERBS = {"calibrate": "calibrated", "train": "trained"}


def items_without_row(stored: Stored) -> Places:
    """Find items of the log that the file has no row of, each at its first event."""
    log, has = stored.log, set(stored.item_ids)
    rows = first_events(log.items)[_are_not_in(log.item_ids, has)]
    return log.lines.at(
        rows, lambda row: f"item {log.item_ids[log.items[row]]!r} has events, but no row in {stored.name}"
    )


def left_out_items(stored: Stored) -> Places:
    """Find items without events that the file has no row of."""
    known = stored.log.catalogue
    absent = _are_not_in(known.item_ids, {*stored.item_ids, *stored.log.item_ids})
    return known.lines.at(absent, lambda row: f"item {known.item_ids[row]!r} has no row in {stored.name}")


def rows_without_item(stored: Stored) -> Places:
    """Find rows of items that are not in the catalogue."""
    known = stored.log.catalogue
    if not known.is_whole:
        return NOWHERE
    beyond = _are_not_in(stored.item_ids, known.rows)
    ids = stored.item_ids
    return stored.at(beyond, lambda row: f"item {ids[row]!r} has a row, but is not in {known.lines.name}")


def other_log(stored: Stored) -> Places:
    """Find that it learned from another log, and so maybe from events that are to be predicted."""
    digest, verbs = stored.log.sha256, dict[str, None]()
    for step in stored.steps:
        if step.command in _VERBS and step.inputs.get("interactions", digest) != digest:
            verbs[_VERBS[step.command]] = None
    words = "it may have learned from events that are to be predicted"
    found = [Place(stored.name, f"was {verb} on another log: {words}") for verb in verbs]
    return Places(len(found), found)


def other_vectors(stored: Stored) -> Places:
    """Find that a model was trained on none of the files of vectors."""
    made_of = [step.id for step in stored.steps if step.command != "train"]
    is_model = len(made_of) < len(stored.steps)
    if not stored.origins or not made_of or not is_model or made_of[-1] in stored.origins:
        return NOWHERE
    return one_place(stored.name, "was trained on vectors that are none of the files given")


def _are_not_in(item_ids: Sequence[str], known: "set[str] | dict[str, int]") -> npt.NDArray[np.bool_]:
    return np.fromiter((one not in known for one in item_ids), dtype=np.bool_, count=len(item_ids))
