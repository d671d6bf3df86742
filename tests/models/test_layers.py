"""The transformer block: what attends to what, and when something is dropped."""

import numpy as np
import pytest
import torch

from genair.config import TrainConfig
from genair.models.layers import Block
from genair.models.layout import Layout

FIVE = Layout(np.asarray([5]), torch.device("cpu"))


def _block(seed=0, causal=True, **settings):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Block(TrainConfig(dim=8, **settings), causal=causal).eval()


def _states(length=5, seed=1):
    return torch.randn(length, 8, generator=torch.Generator().manual_seed(seed))


def _changed(block, place):
    """Return which states of histories of 2 and 5 events change when the one at a place does, (events,)."""
    states, layout = _states(7), Layout(np.asarray([2, 5]), torch.device("cpu"))
    other = states.clone()
    other[place] = -other[place]
    return ~torch.isclose(block(other, layout), block(states, layout), rtol=0, atol=1e-5).all(dim=1)


@pytest.mark.parametrize("place", range(7))
def test_each_event_attends_to_itself_and_those_before_it(place):
    assert _changed(_block(), place).tolist() == [at >= place and (at < 2) == (place < 2) for at in range(7)]


@pytest.mark.parametrize("place", range(7))
def test_or_to_every_event_of_its_history_and_no_padding(place):
    assert _changed(_block(causal=False), place).tolist() == [(at < 2) == (place < 2) for at in range(7)]


def test_heads_do_not_share_attention():
    """With two heads, the half of the values of the second head cannot reach the output of the first."""
    block = _block(heads=2)
    with torch.no_grad():
        block.project_out.weight.copy_(torch.eye(8))
        block.project_out.bias.zero_()
        states = _states()
        before = block._attend(states, FIVE)
        block.project_in.weight[:4].neg_()  # the queries of the first head
        after = block._attend(states, FIVE)
    torch.testing.assert_close(after[..., 4:], before[..., 4:])
    assert not torch.allclose(after[..., :4], before[..., :4])


def test_attention_is_dropped_in_training_only():
    block, states = _block(dropout=0.5), _states()
    calm = block._attend(states, FIVE)
    assert torch.equal(block._attend(states, FIVE), calm)
    block.train()
    assert not torch.allclose(block._attend(states, FIVE), calm)


@pytest.mark.parametrize("causal", [True, False])
def test_attention_of_training_is_that_of_serving_but_for_what_is_dropped(causal):
    """At a rate too small to drop anything, the step of its own does what torch's does."""
    block, states = _block(dropout=1e-9, causal=causal), _states()
    layout = Layout(np.asarray([2, 3]), torch.device("cpu"))
    calm = block._attend(states, layout)
    torch.testing.assert_close(block.train()._attend(states, layout), calm)
