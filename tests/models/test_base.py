"""A recommender as the sum of its parts, and back from its weights."""

import numpy as np
import pytest
import torch

from genair.config import ITEM_ENCODERS, TrainConfig
from genair.errors import GenairError, UsageError
from genair.models.base import Backbone, build_recommender, restore_recommender, weights_of

N = 9
HISTORIES = torch.tensor([[4, 9, 1, 0], [2, 0, 0, 0], [1, 2, 3, 4]])


def _vectors():
    return torch.randn(N, 5, generator=torch.Generator().manual_seed(0))


def _model(config, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build_recommender(config, N, None if config.items == "id" else _vectors()).eval()


def _scores(model):
    with torch.no_grad():
        return model.scores(HISTORIES, model.items.table())


def test_there_is_a_state_after_each_event_and_a_score_for_each_item():
    model = _model(TrainConfig(dim=8))
    table = model.items.table()
    assert model.states(HISTORIES, table).shape == (3, 4, 8)
    assert model.scores(HISTORIES, table).shape == (3, N)


def test_scores_are_products_with_the_state_after_the_last_event():
    model = _model(TrainConfig(dim=8))
    table = model.items.table()
    states = model.states(HISTORIES, table)
    scores = model.scores(HISTORIES, table)
    for user, last in enumerate([2, 0, 3]):
        for item in (1, N):
            torch.testing.assert_close(scores[user, item - 1], states[user, last] @ table[item])


@pytest.mark.parametrize("mode", ITEM_ENCODERS)
def test_weights_bring_a_model_back(mode):
    config = TrainConfig(items=mode, dim=8, blocks=2, heads=2)
    model = _model(config)
    again = restore_recommender(config.settings(), weights_of(model), N)
    assert not again.training
    assert torch.equal(_scores(again), _scores(model))


def test_a_different_start_gives_different_scores():
    config = TrainConfig(dim=8)
    assert not torch.allclose(_scores(_model(config, seed=1)), _scores(_model(config)))


def test_weights_do_not_change_when_the_model_learns_on():
    model = _model(TrainConfig(items="id", dim=8))
    weights = weights_of(model)
    before = weights["items.ids.weight"].copy()
    with torch.no_grad():
        model.items.ids.weight.add_(1)
    assert np.array_equal(weights["items.ids.weight"], before)


def test_an_unknown_backbone_is_refused():
    with pytest.raises(UsageError, match="backbone"):
        _model(TrainConfig(backbone="none", dim=8))


def test_states_of_another_shape_than_the_events_are_refused():
    class Narrow(Backbone):
        def forward(self, events, present):
            return events[:, :, 0]

    model = _model(TrainConfig(dim=8))
    model.backbone = Narrow(TrainConfig(dim=8))
    with pytest.raises(
        GenairError, match=r"Narrow.forward must return \(3, 4, 8\), as events are, not \(3, 4\)"
    ):
        _scores(model)
