"""Losses on drawn items: by hand, against plain formulas in float64, and what is true on average."""

import math

import numpy as np
import pytest
import torch

from genair.config import TrainConfig
from genair.train import LOSSES, sampled
from genair.train.losses import cross_entropy
from genair.train.samplers import Negatives

N, DIM = 6, 3
SAMPLED = [name for name in LOSSES.names() if not LOSSES.get(name).whole]


@pytest.fixture
def loss(toy_sequences):
    train = toy_sequences([[1, 2, 3], [4, 5, 5, 5, 6], [5, 5]], N)

    def make(name, **settings):
        return LOSSES.get(name)(train, TrainConfig(loss=name, **settings))

    return make


def _world(events=4, dtype=torch.float64):
    made = torch.Generator().manual_seed(0)
    states = torch.randn(events, DIM, generator=made, dtype=dtype, requires_grad=True)
    table = torch.randn(N + 1, DIM, generator=made, dtype=dtype, requires_grad=True)
    return states, table, torch.randint(1, N + 1, (events,), generator=made)


def _negatives(items, log_expected=None):
    items = torch.tensor(items)
    return Negatives(items, torch.zeros(len(items)) if log_expected is None else torch.tensor(log_expected))


def _scores(values):
    """Return a state and a table whose products are these values for items 1, 2, ..."""
    return torch.ones(1, 1), torch.tensor([0.0, *values])[:, None]


def _sigmoid(x):
    return 1 / (1 + math.exp(-x))


def test_sampled_softmax_by_hand(loss):
    """Item 2 was expected .5 times among the drawn and counts double, item 3 twice and counts half."""
    state, table = _scores([1.0, 2.0, 3.0])
    drawn = _negatives([2, 3], [math.log(0.5), math.log(2.0)])
    found = loss("sampled-ce")(state, table, torch.tensor([1]), drawn)
    wanted = math.log(math.e + 2 * math.exp(2) + math.exp(3) / 2) - 1
    assert found.item() == pytest.approx(wanted, rel=1e-6)


def test_gbce_by_hand(loss):
    """Two of five other items are drawn, t = .5: beta = 1 - .5 (1 - .4) = .7; scores move by log .35."""
    state, table = _scores([1.0, 2.0, -3.0])
    gbce = loss("gbce", negatives=2, gbce_t=0.5)
    assert gbce.beta == pytest.approx(0.7)
    found = gbce(state, table, torch.tensor([1]), _negatives([2, 3]))
    first, *others = (_sigmoid(score + math.log(0.35)) for score in (1, 2, -3))
    right = 0.7 * math.log(first) + sum(math.log(1 - other) for other in others)
    assert found.item() == pytest.approx(-right / 3, rel=1e-6)


def test_bce_by_hand(loss):
    state, table = _scores([1.0, 2.0, -3.0])
    found = loss("bce")(torch.cat([state, state]), table, torch.tensor([1, 2]), _negatives([3, 1]))
    first = math.log(_sigmoid(1)) + math.log(1 - _sigmoid(-3))
    second = math.log(_sigmoid(2)) + math.log(1 - _sigmoid(1))
    assert found.item() == pytest.approx(-(first + second) / 2, rel=1e-6)


def _plain_softmax(scores, targets, drawn):
    total = 0
    for row, target in zip(scores, targets.tolist(), strict=True):
        terms = [
            (row[item] - log).exp()
            for item, log in zip(drawn.items.tolist(), drawn.log_expected, strict=True)
            if item != target
        ]
        total = total + (row[target].exp() + sum(terms)).log() - row[target]
    return total / len(targets)


def _plain_gbce(scores, targets, drawn, beta):
    total = 0
    for row, target in zip(scores, targets.tolist(), strict=True):
        total = total + beta * row[target].sigmoid().log()
        total = total + sum(
            (1 - row[item].sigmoid()).log() for item in drawn.items.tolist() if item != target
        )
    return -total / len(targets) / (len(drawn.items) + 1)


def _plain_bce(scores, targets, drawn):
    total = 0
    for row, target, item in zip(scores, targets.tolist(), drawn.items.tolist(), strict=True):
        total = total + row[target].sigmoid().log()
        total = total + ((1 - row[item].sigmoid()).log() if item != target else 0)
    return -total / len(targets)


@pytest.mark.parametrize("chunk", [1, 7, 30])  # events
@pytest.mark.parametrize("name", SAMPLED)
def test_values_and_gradients_are_those_of_plain_formulas_hits_left_out(name, chunk, loss, monkeypatch):
    monkeypatch.setattr(sampled, "chunk_events", lambda _device, _count: chunk)
    states, table, targets = _world(events=30)
    made = loss(name, negatives=20, sampler="popularity" if name == "sampled-ce" else "uniform")
    drawn = made.draw(30)
    assert (targets[: len(drawn.items)] == drawn.items[:30]).any() or name != "bce"
    plain = {
        "sampled-ce": lambda scores: _plain_softmax(scores, targets, drawn),
        "gbce": lambda scores: _plain_gbce(scores + made.offset, targets, drawn, made.beta),
        "bce": lambda scores: _plain_bce(scores, targets, drawn),
    }[name](states @ table.T)
    found = made(states, table, targets, drawn)
    found, wanted = ([one, *torch.autograd.grad(one, (states, table))] for one in (found, plain))
    torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-9)


def test_each_item_drawn_once_is_the_full_softmax(loss):
    states, table, targets = _world()
    every = _negatives(range(1, N + 1))
    found = loss("sampled-ce")(states, table, targets, every)
    assert found.item() == pytest.approx(cross_entropy(states, table, targets).item(), rel=1e-9)


@pytest.mark.parametrize("sampler", ["uniform", "popularity"])
def test_the_estimated_sum_is_on_average_the_sum_over_the_catalogue(sampler, loss):
    """exp(loss) is the sum over the target's part of it; without the correction it would be far off."""
    states, table, targets = _world(events=1)
    made = loss("sampled-ce", sampler=sampler, negatives=5)
    draws = [made.draw(1) for _ in range(4000)]
    wanted = cross_entropy(states, table, targets).exp().item()

    def mean_and_error(negatives):
        sums = [made(states, table, targets, drawn).exp().item() for drawn in negatives]
        return np.mean(sums), np.std(sums) / np.sqrt(len(sums))

    mean, error = mean_and_error(draws)
    assert mean == pytest.approx(wanted, abs=4 * error)
    assert error < 0.02 * wanted
    plain, error = mean_and_error(drawn._replace(log_expected=torch.zeros(5)) for drawn in draws)
    assert abs(plain - wanted) > 8 * error


def test_many_negatives_give_the_full_softmaxs_gradient(loss):
    states, table, targets = _world()
    made = loss("sampled-ce", sampler="popularity", negatives=200_000)
    found = made(states, table, targets, made.draw(4))
    full = cross_entropy(states, table, targets)
    for one, other in zip(
        *(torch.autograd.grad(total, (states, table)) for total in (found, full)), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=0, atol=0.01)


@pytest.mark.parametrize(("t", "beta"), [(0.0, 1.0), (1.0, 0.4), (0.75, 0.55)])
def test_t_moves_beta_from_1_to_the_share_that_is_drawn(t, beta, loss):
    assert loss("gbce", negatives=2, gbce_t=t).beta == pytest.approx(beta)


def test_gbce_of_a_model_that_knows_nothing_pulls_no_item_up_or_down_on_average(loss):
    """With level scores and one negative an item, what pulls targets up and what pushes items down cancel."""
    table = torch.zeros(N + 1, 1, requires_grad=True)
    made = loss("gbce", negatives=N, gbce_t=0.9)
    targets = torch.arange(1, N + 1)
    made(torch.ones(N, 1), table, targets, _negatives(range(1, N + 1))).backward()
    alone = made.beta * (1 - _sigmoid(made.offset))
    assert alone == pytest.approx((N - 1) * _sigmoid(made.offset), rel=0.25)
    assert abs(table.grad[1:]).max() < 0.25 * alone / N / (N + 1)


def test_nothing_is_left_to_make_up_for_when_all_others_are_drawn(loss):
    assert loss("gbce", negatives=5).beta == 1
    assert loss("gbce", negatives=500).beta == 1


def test_bce_draws_an_item_an_event_and_the_others_one_set_a_step(loss):
    assert len(loss("bce", negatives=9).draw(4).items) == 4
    assert len(loss("gbce", negatives=9).draw(4).items) == 9
    assert len(loss("sampled-ce", negatives=9).draw(4).items) == 9


@pytest.mark.parametrize("name", ["sampled-ce", "gbce"])
def test_a_million_items_cost_what_is_drawn(name, toy_sequences):
    """A matrix of events x items would take 80 GB."""
    n = 1_000_000
    made = LOSSES.get(name)(toy_sequences([[1, 2]], n), TrainConfig(loss=name))
    states = torch.ones(20_000, 2)
    found = made(states, torch.zeros(n + 1, 2), torch.full((20_000,), n), made.draw(20_000))
    assert torch.isfinite(found)
