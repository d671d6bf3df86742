"""The transformer block: what attends to what, and when something is dropped."""

import pytest
import torch

from genair.config import TrainConfig
from genair.models.layers import Block


def _block(seed=0, **settings):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Block(TrainConfig(dim=8, **settings)).eval()


def _states(length=5, seed=1):
    return torch.randn(1, length, 8, generator=torch.Generator().manual_seed(seed))


def _changed(block, seen, place):
    """Return which states change when the one at a place does, (length,)."""
    states = _states()
    other = states.clone()
    other[0, place] = -other[0, place]
    return ~torch.isclose(block(other, seen), block(states, seen), rtol=0, atol=1e-5).all(dim=2)[0]


@pytest.mark.parametrize("place", range(5))
def test_without_a_mask_each_event_attends_to_itself_and_those_before(place):
    assert _changed(_block(), None, place).tolist() == [at >= place for at in range(5)]


@pytest.mark.parametrize("place", range(5))
def test_with_a_mask_all_events_attend_to_what_it_shows(place):
    seen = torch.tensor([[True, True, False, True, False]])
    wanted = [bool(seen[0, place]) or at == place for at in range(5)]
    assert _changed(_block(), seen, place).tolist() == wanted


def test_heads_do_not_share_attention():
    """With two heads, the half of the values of the second head cannot reach the output of the first."""
    block = _block(heads=2)
    with torch.no_grad():
        block.project_out.weight.copy_(torch.eye(8))
        block.project_out.bias.zero_()
        states = _states()
        before = block._attend(states)
        block.project_in.weight[:4].neg_()  # the queries of the first head
        after = block._attend(states)
    torch.testing.assert_close(after[..., 4:], before[..., 4:])
    assert not torch.allclose(after[..., :4], before[..., :4])


def test_attention_is_dropped_in_training_only():
    block, states = _block(dropout=0.5), _states()
    calm = block._attend(states)
    assert torch.equal(block._attend(states), calm)
    block.train()
    assert not torch.allclose(block._attend(states), calm)


@pytest.mark.parametrize("seen", [None, torch.tensor([[True, True, True, False, False]])])
def test_attention_of_training_is_that_of_serving_but_for_what_is_dropped(seen):
    """At a rate too small to drop anything, the step of its own does what torch's does."""
    block, states = _block(dropout=1e-9), _states()
    calm = block._attend(states, seen)
    torch.testing.assert_close(block.train()._attend(states, seen), calm)
