"""What is GRU4Rec's own; what it shares with every backbone is in tests/contracts/test_backbones.py."""

import pytest
import torch

from genair.config import TrainConfig
from genair.models.gru4rec import GRU4Rec


def _backbone(seed=0, **settings):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return GRU4Rec(TrainConfig(backbone="gru4rec", dim=8, **settings)).eval()


def _events(length=5, seed=1):
    return torch.randn(1, length, 8, generator=torch.Generator().manual_seed(seed))


def _last(backbone, events):
    return backbone(events, torch.ones(events.shape[:2], dtype=torch.bool))[0, -1]


def test_the_order_of_earlier_events_matters():
    backbone, events = _backbone(), _events()
    swapped = events[:, [1, 0, 2, 3, 4]]
    assert not torch.allclose(_last(backbone, swapped), _last(backbone, events), atol=1e-4)


def test_blocks_are_layers():
    names = {name for name, _ in _backbone(blocks=2).gru.named_parameters()}
    assert {"weight_hh_l0", "weight_hh_l1"} <= names
    assert "weight_hh_l1" not in {name for name, _ in _backbone().gru.named_parameters()}


def test_small_item_vectors_open_the_gates_as_large_ones_do():
    """LayerNorm's own epsilon is all that tells them apart."""
    backbone, events = _backbone(), _events()
    torch.testing.assert_close(_last(backbone, 0.1 * events), _last(backbone, events), rtol=0, atol=1e-2)


@pytest.mark.parametrize(("part", "blocks"), [("dropout", 1), ("gru", 2)])
def test_dropout_works_in_every_place_it_is_said_to(part, blocks):
    backbone, events = _backbone(dropout=0.5, blocks=blocks), _events()
    calm = _last(backbone, events)
    backbone.get_submodule(part).train()
    assert not torch.allclose(_last(backbone, events), calm)


def test_any_length_is_fine():
    assert torch.isfinite(_last(_backbone(max_length=3), _events(length=30))).all()
