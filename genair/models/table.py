"""The vectors by which a trained model knows its items."""

import numpy as np
import numpy.typing as npt
import torch

from genair.io.checkpoints import ModelFile
from genair.models.base import restore_recommender


def item_table(model: ModelFile) -> npt.NDArray[np.float32]:
    """Return item vectors (items, dim), row i that of item_ids[i].

    The score of an item is the inner product of its vector and the state of a history.
    """
    restored = restore_recommender(model.config, model.weights, len(model.item_ids))
    with torch.no_grad():
        table: npt.NDArray[np.float32] = restored.items.table()[1:].float().numpy()
    return table
