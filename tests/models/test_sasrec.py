"""What is SASRec's own; what it shares with every backbone is in tests/contracts/test_backbones.py."""

import pytest
import torch

from genair.config import TrainConfig
from genair.models.sasrec import SASRec


def _backbone(seed=0, **settings):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return SASRec(TrainConfig(**{"dim": 8, "max_length": 6, **settings})).eval()


def _events(length=5, seed=1):
    return torch.randn(1, length, 8, generator=torch.Generator().manual_seed(seed))


def _last(backbone, events):
    return backbone(events, torch.ones(events.shape[:2], dtype=torch.bool))[0, -1]


@pytest.mark.parametrize("changed", range(5))
def test_the_last_state_depends_on_every_event(changed):
    backbone, events = _backbone(), _events()
    other = events.clone()
    other[0, changed] = -other[0, changed]
    assert not torch.allclose(_last(backbone, other), _last(backbone, events), atol=1e-4)


def test_the_order_of_earlier_events_matters():
    backbone, events = _backbone(), _events()
    with torch.no_grad():
        backbone.positions.weight.mul_(50)
    swapped = events[:, [1, 0, 2, 3, 4]]
    assert not torch.allclose(_last(backbone, swapped), _last(backbone, events), atol=1e-4)


def test_without_positions_the_order_of_earlier_events_would_not_matter():
    backbone, events = _backbone(), _events()
    with torch.no_grad():
        backbone.positions.weight.zero_()
    swapped = events[:, [1, 0, 2, 3, 4]]
    torch.testing.assert_close(_last(backbone, swapped), _last(backbone, events))


@pytest.mark.parametrize("setting", [{"blocks": 2}, {"heads": 4}])
def test_blocks_and_heads_change_the_states(setting):
    events = _events()
    assert not torch.allclose(_last(_backbone(**setting), events), _last(_backbone(), events), atol=1e-4)


@pytest.mark.parametrize("part", ["dropout", "blocks.0.dropout", "blocks.0.feed.2"])
def test_dropout_works_in_every_place_it_is_said_to(part):
    backbone, events = _backbone(dropout=0.5), _events()
    calm = _last(backbone, events)
    backbone.get_submodule(part).train()
    assert not torch.allclose(_last(backbone, events), calm)


def test_each_block_has_its_own_weights():
    one, two = (sum(p.numel() for p in _backbone(blocks=blocks).parameters()) for blocks in (1, 2))
    assert two - one == sum(p.numel() for p in _backbone().blocks[0].parameters())


def test_histories_longer_than_the_positions_are_refused():
    with pytest.raises(IndexError):
        _last(_backbone(), _events(length=7))
