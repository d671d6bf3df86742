"""The losses: cross-entropy by hand, and what every loss promises."""

import math

import pytest
import torch

from genair.errors import UsageError
from genair.train import LOSSES
from genair.train.losses import CPU_CHUNK_BYTES, chunk_events, cross_entropy

N, DIM = 7, 4


def _world(events=5):
    made = torch.Generator().manual_seed(0)
    table = torch.cat([torch.zeros(1, DIM), torch.randn(N, DIM, generator=made)])
    return torch.randn(events, DIM, generator=made), table, torch.tensor([1, 3, N, 2, N])[:events]


def test_cross_entropy_is_the_mean_of_log_softmax_over_items():
    states, table, targets = _world()
    wanted = 0.0
    for state, target in zip(states, targets.tolist(), strict=True):
        scores = [float(state @ table[item]) for item in range(1, N + 1)]
        wanted += math.log(sum(map(math.exp, scores))) - scores[target - 1]
    assert cross_entropy(states, table, targets).item() == pytest.approx(wanted / 5, rel=1e-5)


def test_level_scores_cost_the_log_of_the_catalogue():
    states, table, targets = _world()
    assert cross_entropy(0 * states, table, targets).item() == pytest.approx(math.log(N))


def test_chunks_of_cross_entropy_add_up_to_the_whole_and_so_do_their_gradients():
    items = 50_000
    events = 2 * chunk_events("cpu", items) + 5
    made = torch.Generator().manual_seed(1)
    states = torch.randn(events, DIM, generator=made, dtype=torch.float64, requires_grad=True)
    table = torch.randn(items + 1, DIM, generator=made, dtype=torch.float64, requires_grad=True)
    targets = torch.randint(1, items + 1, (events,), generator=made)
    targets[-1] = items
    ours = cross_entropy(states, table, targets)
    plain = torch.nn.functional.cross_entropy(states @ table[1:].T, targets - 1)
    found, wanted = ([loss, *torch.autograd.grad(3 * loss, (states, table))] for loss in (ours, plain))
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("items", [1, 12_101, 32_768])
def test_a_chunk_of_logits_fits_the_cache(items):
    assert 4 * items * chunk_events("cpu", items) <= CPU_CHUNK_BYTES


def test_an_unknown_loss_is_refused():
    with pytest.raises(UsageError, match="unknown loss"):
        LOSSES.get("none")


@pytest.mark.parametrize("name", LOSSES.names())
def test_every_loss_is_a_finite_number_with_a_gradient_for_states_and_items(name):
    states, table, targets = _world()
    states.requires_grad_()
    table.requires_grad_()
    loss = LOSSES.get(name)(states, table, targets)
    loss.backward()
    assert loss.shape == ()
    assert torch.isfinite(loss)
    assert (states.grad != 0).any(dim=1).all()
    assert (table.grad[targets] != 0).any(dim=1).all()


@pytest.mark.parametrize("name", LOSSES.names())
def test_padding_is_never_a_candidate(name):
    states, table, targets = _world()
    high = table.clone()
    high[0] = 100 * states[0]
    assert LOSSES.get(name)(states, high, targets) == LOSSES.get(name)(states, table, targets)


@pytest.mark.parametrize("name", LOSSES.names())
@pytest.mark.parametrize("target", [1, N])
def test_a_step_down_raises_the_targets_score_first_and_last_item_included(name, target):
    states, table, _ = _world(events=1)
    states.requires_grad_()
    before = torch.log_softmax(states @ table[1:].T, dim=1)[0, target - 1]
    LOSSES.get(name)(states, table, torch.tensor([target])).backward()
    moved = states.detach() - 0.1 * states.grad
    assert torch.log_softmax(moved @ table[1:].T, dim=1)[0, target - 1] > before


@pytest.mark.parametrize("name", LOSSES.names())
def test_large_scores_do_not_overflow(name):
    states, table, targets = _world()
    assert torch.isfinite(LOSSES.get(name)(1e4 * states, table, targets))
