"""What is recommended to everybody: lists of each user's k best candidates, and how they spread.

coverage@k: share of the catalogue that is on anyone's list (Ge, Delgado-Battenfeld & Jannach, RecSys 2010).
gini@k: Gini coefficient of how often each item of the catalogue is listed, those never listed included; 0 if
all are alike, towards 1 if a few take everything (Shani & Gunawardana, Recommender Systems Handbook, 2011).
popularity@k: training events of the items on a list, the mean over the list, then over users (average
recommendation popularity: Yin, Cui, Li, Yao & Chen, VLDB 2012).
"""

from collections.abc import Callable, Mapping

import numpy as np
import torch

from genair.data.sequences import Indices
from genair.evaluate.ranking import Block
from genair.evaluate.top import top_k

ListMeasure = Callable[[Indices, Indices], float]


def best_items(block: Block, k: int) -> Indices:
    """Return each user's k best items, as `recommend` does, as indices (block, k); 0 where none is left."""
    scores, columns = top_k(block.scores, k)
    found = torch.where(scores > -torch.inf, columns + 1, 0).cpu().numpy()
    return np.pad(found, ((0, 0), (0, k - found.shape[1])))


def coverage(lists: Indices, events: Indices) -> float:
    """Return coverage of lists (users, k), given the training events of each item (items,)."""
    return np.count_nonzero(_listed(lists, events)) / len(events)


def gini(lists: Indices, events: Indices) -> float:
    """Return the Gini coefficient of lists (users, k), given the training events of each item (items,)."""
    counts = np.sort(_listed(lists, events))
    ranks = np.arange(1, len(counts) + 1)
    return float(((2 * ranks - len(counts) - 1) * counts).sum() / (len(counts) * max(1, counts.sum())))


def popularity(lists: Indices, events: Indices) -> float:
    """Return the mean popularity of lists (users, k), given the training events of each item (items,)."""
    listed = lists[(lists > 0).any(axis=1)]
    sums = np.concatenate([[0], events])[listed].sum(axis=1)
    return float((sums / (listed > 0).sum(axis=1)).mean()) if len(listed) else 0.0


def _listed(lists: Indices, events: Indices) -> Indices:
    """Return how often each item is listed, (items,)."""
    return np.bincount(lists.ravel(), minlength=len(events) + 1)[1:]


LIST_MEASURES: Mapping[str, ListMeasure] = {"coverage": coverage, "gini": gini, "popularity": popularity}
