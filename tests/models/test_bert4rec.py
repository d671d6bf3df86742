"""What is BERT4Rec's own; what it shares with every backbone is in tests/contracts/test_backbones.py."""

import pytest
import torch

from genair.config import TrainConfig
from genair.models.base import MASK, build_recommender

N = 9


def _model(seed=0, **settings):
    config = TrainConfig(**{"backbone": "bert4rec", "items": "id", "dim": 8, "max_length": 6, **settings})
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build_recommender(config, N, None).eval()


def _states(model, *histories):
    with torch.no_grad():
        return model.states(torch.tensor(histories), model.items.table())


@pytest.mark.parametrize("changed", [0, 1, 3, 4])
def test_a_masked_event_is_guessed_from_both_sides(changed):
    model = _model()
    history = [3, 7, MASK, 1, 9]
    other = [5 if place == changed else item for place, item in enumerate(history)]
    assert not torch.allclose(_states(model, other)[0, 2], _states(model, history)[0, 2], atol=1e-4)


def test_what_comes_next_is_a_masked_event_behind_the_history():
    model = _model()
    table = model.items.table()
    scores = model.scores(torch.tensor([[3, 7, 0], [4, 0, 0]]), table)
    torch.testing.assert_close(scores[0], (_states(model, [3, 7, MASK])[0, -1]) @ table[1:].T)
    torch.testing.assert_close(scores[1], (_states(model, [4, MASK, 0])[0, 1]) @ table[1:].T)


def test_positions_count_from_the_last_event_whatever_the_padding():
    model = _model()
    model.scores(torch.tensor([[3, 7, 0, 0, 0, 0]]), model.items.table()).sum().backward()
    used = (model.backbone.positions.weight.grad != 0).any(dim=1)
    assert used.tolist() == [True] * 3 + [False] * 4


def test_the_first_position_is_that_of_the_last_event():
    """With attention blocked, an event's state depends on its own position alone."""
    model = _model()
    with torch.no_grad():
        model.backbone.blocks[0].project_out.weight.zero_()
        before = _states(model, [3, 7, 5, 0], [4, 9, 0, 0])
        model.backbone.positions.weight[0] += torch.arange(8)
    changed = ~torch.isclose(_states(model, [3, 7, 5, 0], [4, 9, 0, 0]), before, atol=1e-4).all(dim=2)
    assert changed[0, :3].tolist() == [False, False, True]
    assert changed[1, :2].tolist() == [False, True]


def test_without_positions_the_order_of_events_would_not_matter():
    model = _model()
    one, other = _states(model, [3, 7, 5, MASK]), _states(model, [7, 5, 3, MASK])
    assert not torch.allclose(one[0, -1], other[0, -1], atol=1e-4)
    with torch.no_grad():
        model.backbone.positions.weight.zero_()
    one, other = _states(model, [3, 7, 5, MASK]), _states(model, [7, 5, 3, MASK])
    torch.testing.assert_close(one[0, -1], other[0, -1])


@pytest.mark.parametrize("part", ["dropout", "blocks.0.dropout", "blocks.0.feed.2"])
def test_dropout_works_in_every_place_it_is_said_to(part):
    model = _model(dropout=0.5)
    calm = _states(model, [3, 7, MASK])
    model.backbone.get_submodule(part).train()
    assert not torch.allclose(_states(model, [3, 7, MASK]), calm)


def test_histories_longer_than_the_positions_are_refused():
    model = _model()
    assert torch.isfinite(model.scores(torch.ones(1, 6, dtype=torch.int64), model.items.table())).all()
    with pytest.raises(IndexError):
        model.scores(torch.ones(1, 7, dtype=torch.int64), model.items.table())
