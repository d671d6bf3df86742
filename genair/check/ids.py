"""Ids that are likely mistakes: with blanks around them, or all but equal to another."""

import unicodedata
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]


def plain_form(outside_id: str) -> str:
    """Return an id without case, blanks around it, leading zeros and other ways to write a letter."""
    return unicodedata.normalize("NFKC", outside_id).strip().casefold().lstrip("0")


def spaced(ids: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Return which ids begin or end with white space."""
    return np.fromiter((one != one.strip() for one in ids), dtype=np.bool_, count=len(ids))


def lookalikes(ids: Sequence[str]) -> Mapping[int, int]:
    """Return the rows of ids whose plain form an earlier one has, each with the first row that has it.

    Eight bytes an id, and an object only for those whose form comes twice.
    """
    digests = np.fromiter((hash(plain_form(one)) for one in ids), dtype=np.int64, count=len(ids))
    order = np.argsort(digests, kind="stable")
    same = digests[order][1:] == digests[order][:-1]
    several = np.sort(np.concatenate([order[1:][same], order[:-1][same]]))
    first: dict[str, int] = {}
    found: dict[int, int] = {}
    for row in np.unique(several).tolist():
        earlier = first.setdefault(plain_form(ids[row]), row)
        if earlier != row:
            found[row] = earlier
    return found


def nearest_known(unknown: Sequence[str], known: Sequence[str]) -> Mapping[str, str]:
    """Return, for unknown ids, a known one of the same plain form, where there is one."""
    wanted = {plain_form(one): one for one in unknown}
    return {wanted[form]: one for one in known if (form := plain_form(one)) in wanted}
