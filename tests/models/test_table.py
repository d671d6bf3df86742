"""The table by which a model knows its items."""

import numpy as np
import pytest
import torch

from genair.config import ITEM_ENCODERS, TrainConfig
from genair.io.checkpoints import ModelFile
from genair.models.base import build_recommender, weights_of
from genair.models.table import item_table

N = 9
HISTORIES = torch.tensor([[4, 9, 1, 0], [1, 2, 3, 4]])


@pytest.mark.parametrize("items", ITEM_ENCODERS)
def test_products_with_its_rows_are_the_scores_of_the_items(items):
    config = TrainConfig(dim=8, items=items)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = build_recommender(config, N, None if items == "id" else torch.randn(N, 5)).eval()
        saved = ModelFile(config.settings(), [f"i{row}" for row in range(N)], weights_of(model), [])
    table = item_table(saved)
    assert table.shape == (N, 8)
    assert table.dtype == np.float32
    with torch.no_grad():
        whole = model.items.table()
        states = model.states(HISTORIES, whole)[torch.arange(2), torch.tensor([2, 3])]
        np.testing.assert_array_equal(table, whole[1:].numpy())
        np.testing.assert_allclose(states.numpy() @ table.T, model.scores(HISTORIES, whole), atol=1e-6)
