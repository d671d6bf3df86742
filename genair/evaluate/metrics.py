"""Metrics of one relevant item per user, from its rank r (1 at best, half steps from ties).

HR@k = [r <= k]; NDCG@k = [r <= k] / log2(1 + r); MRR@k = [r <= k] / r; each the mean over users.
"""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Metric = Callable[[Values], Values]
CUTOFFS = (5, 10, 20, 50)


def hit(ranks: Values) -> Values:
    """Return 1 for every rank."""
    return np.ones_like(ranks)


def discounted_gain(ranks: Values) -> Values:
    """Return 1 / log2(1 + r)."""
    return np.asarray(1 / np.log2(1 + ranks))


def reciprocal_rank(ranks: Values) -> Values:
    """Return 1 / r."""
    return np.asarray(1 / ranks)


METRICS: Mapping[str, Metric] = {"hr": hit, "ndcg": discounted_gain, "mrr": reciprocal_rank}
MEASURES = tuple((name, k) for name in METRICS for k in CUTOFFS)


def per_user(name: str, ranks: Values, k: int) -> Values:
    """Return each user's value of a metric at a cutoff."""
    return np.where(ranks <= k, METRICS[name](ranks), 0.0)


def mean_at(name: str, ranks: Values, k: int) -> float:
    """Return the mean over users."""
    return float(per_user(name, ranks, k).mean())


def all_per_user(ranks: Values) -> Values:
    """Return each user's value of every metric and cutoff, (users, measures) in the order of MEASURES."""
    return np.stack([per_user(name, ranks, k) for name, k in MEASURES], axis=1)
