"""What every loss promises, and cross-entropy by hand; the others are in tests/train/test_sampled.py."""

import math

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from genair.config import TrainConfig
from genair.errors import UsageError
from genair.train import LOSSES, losses
from genair.train.losses import CPU_CHUNK_BYTES, MOST_BYTES, Loss, chunk_events, cross_entropy

N, DIM = 7, 4


def _world(events=5):
    made = torch.Generator().manual_seed(0)
    table = torch.cat([torch.zeros(1, DIM), torch.randn(N, DIM, generator=made)])
    return torch.randn(events, DIM, generator=made), table, torch.tensor([1, 3, N, 2, N])[:events]


@pytest.fixture
def value(toy_sequences):
    """Compute a loss by its name, with the first negatives that a run of seed 0 draws."""

    def call(name, states, table, targets):
        train = toy_sequences([[1, 2, 3], [4, 5, 6, 7]], N)
        loss = LOSSES.get(name)(train, TrainConfig(loss=name, negatives=20))
        return loss(states, table, targets, loss.draw(len(targets)))

    return call


def test_cross_entropy_is_the_mean_of_log_softmax_over_items(value):
    states, table, targets = _world()
    wanted = 0.0
    for state, target in zip(states, targets.tolist(), strict=True):
        scores = [float(state @ table[item]) for item in range(1, N + 1)]
        wanted += math.log(sum(map(math.exp, scores))) - scores[target - 1]
    assert value("ce", states, table, targets).item() == pytest.approx(wanted / 5, rel=1e-5)


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


def test_products_in_bf16_give_the_loss_and_gradients_of_float32_up_to_its_rounding():
    made = torch.Generator().manual_seed(1)
    states = torch.randn(300, 64, generator=made, requires_grad=True)
    table = (0.3 * torch.randn(2001, 64, generator=made)).requires_grad_()
    targets = torch.randint(1, 2001, (300,), generator=made)
    half, full = (cross_entropy(states, table, targets, kind) for kind in (torch.bfloat16, None))
    assert half.dtype == torch.float32
    assert 0 < abs(half - full) < 0.002 * full
    for found, wanted in zip(
        *(torch.autograd.grad(loss, (states, table)) for loss in (half, full)), strict=True
    ):
        assert found.dtype == torch.float32
        assert torch.linalg.vector_norm(found - wanted) < 0.01 * torch.linalg.vector_norm(wanted)


@pytest.mark.parametrize("items", [1, 12_101, 32_768])
def test_a_chunk_of_logits_fits_the_cache(items):
    assert 4 * items * chunk_events("cpu", items) <= CPU_CHUNK_BYTES


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("items", [10, 10**6, MOST_BYTES // 4, MOST_BYTES // 4 + 1, 10**9])
def test_a_chunk_of_logits_is_within_the_budget_unless_it_is_of_one_event(items, device):
    events = chunk_events(device, items)
    assert events == 1 or 4 * items * events <= MOST_BYTES
    assert events >= 1


class Largest(TorchDispatchMode):
    """Notes the most numbers of any tensor that is computed."""

    numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        if isinstance(found, torch.Tensor):
            self.numbers = max(self.numbers, found.numel())
        return found


@pytest.mark.parametrize("product", [torch.float32, torch.bfloat16])
def test_no_more_than_a_chunk_of_logits_is_ever_computed(product, monkeypatch):
    monkeypatch.setattr(losses, "CPU_CHUNK_BYTES", 0)
    monkeypatch.setattr(losses, "LEAST_EVENTS", 3)
    made = torch.Generator().manual_seed(1)
    states = torch.randn(30, DIM, generator=made, requires_grad=True)
    table = torch.randn(501, DIM, generator=made, requires_grad=True)
    with Largest() as largest:
        cross_entropy(states, table, torch.arange(1, 31), product).backward()
    assert largest.numbers == max(3 * 500, table.numel())


def test_an_unknown_loss_is_refused():
    with pytest.raises(UsageError, match="unknown loss"):
        LOSSES.get("none")


def test_a_loss_that_lacks_a_part_says_so(toy_sequences):
    class Empty(Loss):
        pass

    empty = Empty(toy_sequences([[1, 2]], 2), TrainConfig())
    with pytest.raises(TypeError, match="Empty lacks draw"):
        empty.draw(1)
    with pytest.raises(TypeError, match="Empty lacks __call__"):
        empty(*_world(), None)


@pytest.mark.parametrize("name", LOSSES.names())
def test_every_loss_is_a_finite_number_with_a_gradient_for_states_and_items(name, value):
    states, table, targets = _world()
    states.requires_grad_()
    table.requires_grad_()
    loss = value(name, states, table, targets)
    loss.backward()
    assert loss.shape == ()
    assert torch.isfinite(loss)
    assert (states.grad != 0).any(dim=1).all()
    assert (table.grad[targets] != 0).any(dim=1).all()


@pytest.mark.parametrize("name", LOSSES.names())
def test_padding_is_never_a_candidate(name, value):
    states, table, targets = _world()
    high = table.clone()
    high[0] = 100 * states[0]
    assert value(name, states, high, targets) == value(name, states, table, targets)


@pytest.mark.parametrize("name", LOSSES.names())
@pytest.mark.parametrize("target", [1, N])
def test_a_step_down_raises_the_targets_score_first_and_last_item_included(name, target, value):
    states, table, _ = _world(events=1)
    states.requires_grad_()
    before = torch.log_softmax(states @ table[1:].T, dim=1)[0, target - 1]
    value(name, states, table, torch.tensor([target])).backward()
    moved = states.detach() - 0.1 * states.grad
    assert torch.log_softmax(moved @ table[1:].T, dim=1)[0, target - 1] > before


@pytest.mark.parametrize("name", LOSSES.names())
@pytest.mark.parametrize("scale", [1e4, -1e4])
def test_large_scores_overflow_neither_the_loss_nor_its_gradient(name, scale, value):
    states, table, targets = _world()
    states.requires_grad_()
    loss = value(name, scale * states, table, targets)
    assert torch.isfinite(loss)
    assert torch.isfinite(torch.autograd.grad(loss, states)[0]).all()


@pytest.mark.parametrize("name", LOSSES.names())
def test_a_catalogue_of_one_item_has_nothing_to_lose_but_the_target(name, toy_sequences):
    config = TrainConfig(loss=name, negatives=3)
    loss = LOSSES.get(name)(toy_sequences([[1, 1, 1]], 1), config)
    states, table = torch.ones(2, DIM, requires_grad=True), torch.tensor([[0.0], [1.0]]).expand(2, DIM)
    found = loss(states, table, torch.tensor([1, 1]), loss.draw(2))
    assert torch.isfinite(torch.autograd.grad(found, states)[0]).all()
