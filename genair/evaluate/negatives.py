"""Sampled negatives: what a target is ranked among where papers do not rank the catalogue.

Metrics from samples are inconsistent with exact ones (Krichene & Rendle, KDD 2020): they are for comparison
with published figures. The items depend on the log and the seed alone: drawn uniformly from those that the
log names, in the order of their ids, outside the user's whole history (training, validation, test), none
of them twice.
"""

import numpy as np

from genair.data.sequences import Indices, Sequences
from genair.errors import UsageError
from genair.seeding import derive_seed

_USERS = 1024  # drawn for together


def sample_negatives(whole: Sequences, named: Indices, number: int, seed: int) -> Indices:
    """Return item indices that each user never had, shape (users, number).

    Args:
        whole: the users' whole histories, the events to predict and those behind them included.
        named: indices of the items to draw from, shape (pool,), in an order that is the same for every model.
        number: how many, 1 or more.
        seed: of the draws.

    Raises:
        UsageError: a user has had so many items that fewer are left.
    """
    places, users = _distinct(whole, named)
    had = np.bincount(users, minlength=len(whole))
    left = len(named) - had
    if left.min() < number:
        user = int(left.argmin())
        raise UsageError(
            f"--negatives {number} is too many: only {left[user]} of the log's {len(named)} items"
            f" are not in the history of user {whole.user_ids[user]!r}"
        )
    rng = np.random.Generator(np.random.PCG64(derive_seed(seed, "negatives")))
    found = np.empty((len(left), number), dtype=np.int64)
    ends = np.concatenate([[0], np.cumsum(had)])
    for first in range(0, len(left), _USERS):
        rows = slice(first, first + _USERS)
        own = slice(ends[first], ends[min(first + _USERS, len(left))])
        chosen = draw_distinct(left[rows], number, rng)
        found[rows] = named[_skip(chosen, places[own], users[own] - first, had[rows])]
    return found


def draw_distinct(pools: Indices, number: int, rng: np.random.Generator) -> Indices:
    """Draw `number` different integers below pools[u] for each user, every set alike, shape (users, number).

    Floyd's algorithm (Bentley & Floyd, "A sample of brilliance", CACM 1987), all users at once.
    """
    chances = rng.random((len(pools), number)).T
    chosen = np.empty((number, len(pools)), dtype=np.int64)
    for row in range(number):
        last = pools - number + row
        drawn = (chances[row] * (last + 1)).astype(np.int64)
        again = (chosen[:row] == drawn).any(axis=0)
        chosen[row] = np.where(again, last, drawn)
    return chosen.T


def _distinct(whole: Sequences, named: Indices) -> tuple[Indices, Indices]:
    """Return each user's different items as rising places in the pool, and the users, both (pairs,)."""
    place = np.zeros(whole.n_items + 1, dtype=np.int64)
    place[named] = np.arange(len(named))
    users = np.repeat(np.arange(len(whole)), whole.lengths())
    users, places = np.divmod(np.unique(users * len(named) + place[whole.items]), len(named))
    return places, users


def _skip(chosen: Indices, places: Indices, users: Indices, had: Indices) -> Indices:
    """Turn "number c of what the user never had" into places in the pool.

    The i-th (0 the first) place p that the user had is passed if p - i <= c.
    """
    starts = np.cumsum(had) - had
    passed_at = places - (np.arange(len(places)) - starts[users])
    width = max(int(chosen.max()), int(places.max())) + 1
    rows = np.arange(len(chosen))[:, None]
    passed = np.searchsorted(users * width + passed_at, rows * width + chosen, side="right")
    return chosen + passed - starts[:, None]
