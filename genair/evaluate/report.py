"""Rows of figures: one for each measure, cutoff and group of users, with how sure it is.

Every row has the same keys: `metric`, `k`, `group`, `value`, `stderr`, `ci_low`, `ci_high`, `users`; beside
another model also `against`, its value, `difference`, `difference_low`, `difference_high` and `p`. What a
measure does not have is None.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from genair.evaluate.lists import LIST_MEASURES
from genair.evaluate.measuring import Outcome
from genair.evaluate.metrics import CUTOFFS, MEASURES, Values, all_per_user
from genair.evaluate.resampling import intervals, p_values
from genair.seeding import derive_seed

Row = dict[str, Any]
COMPARED = ("against", "difference", "difference_low", "difference_high", "p")


def report(mine: Outcome, against: Outcome | None = None, *, seed: int) -> Iterator[Row]:
    """Yield the rows of METRICS for each group that has users, and those of LIST_MEASURES for all users.

    Args:
        mine: what the model made of a task.
        against: what another made of the same.
        seed: of resampling.
    """
    values = all_per_user(mine.ranks)
    others = None if against is None else all_per_user(against.ranks)
    for group, mask in mine.task.groups.masks().items():
        if mask.any():
            columns = _columns(values[mask], derive_seed(seed, "bootstrap", group))
            if others is not None:
                columns |= _comparison(values[mask], others[mask], derive_seed(seed, "against", group))
            yield from _rows(group, int(mask.sum()), columns)
    yield from _list_rows(mine, against)


def _list_rows(mine: Outcome, against: Outcome | None) -> Iterator[Row]:
    for name, measure in LIST_MEASURES.items():
        for k in CUTOFFS:
            value = measure(mine.lists[:, :k], mine.task.events)
            row = _empty(name, k, "all", len(mine.lists)) | {"value": value}
            if against is not None:
                other = measure(against.lists[:, :k], against.task.events)
                row |= dict.fromkeys(COMPARED) | {"against": other, "difference": value - other}
            yield row


def _empty(metric: str, k: int, group: str, users: int) -> Row:
    return {
        "metric": metric,
        "k": k,
        "group": group,
        "value": None,
        "stderr": None,
        "ci_low": None,
        "ci_high": None,
        "users": users,
    }


def _columns(values: Values, seed: int) -> dict[str, Values]:
    """Return what is said of each measure, (measures,) each; of one user only the value is known."""
    columns = {"value": values.mean(axis=0)}
    if len(values) > 1:
        columns["stderr"] = values.std(axis=0, ddof=1) / np.sqrt(len(values))
        columns["ci_low"], columns["ci_high"] = intervals(values, _generator(seed))
    return columns


def _comparison(values: Values, others: Values, seed: int) -> dict[str, Values]:
    """Return what is said of two models' values; of one user only what they are."""
    differences, rng = values - others, _generator(seed)
    if len(values) == 1:
        return {"against": others[0], "difference": differences[0]}
    low, high = intervals(differences, rng)
    figures = others.mean(axis=0), differences.mean(axis=0), low, high, p_values(differences, rng)
    return dict(zip(COMPARED, figures, strict=True))


def _rows(group: str, users: int, columns: Mapping[str, Values]) -> Iterator[Row]:
    for place, (name, k) in enumerate(MEASURES):
        figures = {key: float(column[place]) for key, column in columns.items()}
        compared = dict.fromkeys(COMPARED if "against" in figures else ())
        yield _empty(name, k, group, users) | compared | figures


def _generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))
