"""The learning rate, step by step."""

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR

from genair.config import TrainConfig
from genair.errors import UsageError
from genair.train import SCHEDULES
from genair.train.schedules import scheduler

RATE = 0.25


def _optimizer():
    return torch.optim.Adam([torch.nn.Parameter(torch.zeros(2))], lr=RATE)


def _rates(moved, steps):
    """Return the rate of each step."""
    rates = []
    for _ in range(steps):
        rates.append(moved.optimizer.param_groups[0]["lr"])
        moved.optimizer.step()
        moved.step()
    return rates


def _ours(steps, **settings):
    return scheduler(_optimizer(), TrainConfig(learning_rate=RATE, **settings), steps)


def test_without_either_the_rate_stays_to_the_bit():
    assert set(_rates(_ours(3, epochs=4), 12)) == {RATE}


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("linear", lambda optimizer: LinearLR(optimizer, 1.0, 0.0, total_iters=20)),
        ("cosine", lambda optimizer: CosineAnnealingLR(optimizer, T_max=20)),
    ],
)
def test_a_schedule_is_torchs_own(name, theirs):
    ours = _rates(_ours(5, epochs=4, schedule=name), 20)
    assert ours == pytest.approx(_rates(theirs(_optimizer()), 20), abs=1e-12)
    assert ours[0] == RATE
    assert 0 < ours[-1] < ours[-2]


@pytest.mark.parametrize("name", SCHEDULES.names())
def test_a_warmup_rises_to_the_rate_and_what_follows_takes_the_rest(name):
    rates = _rates(_ours(4, epochs=3, schedule=name, warmup=1), 12)
    assert rates[:4] == pytest.approx([RATE * step / 5 for step in (1, 2, 3, 4)])
    assert rates[4:] == pytest.approx(_rates(_ours(4, epochs=2, schedule=name), 8))


@pytest.mark.parametrize(("warmup", "rising"), [(0.25, 1), (0.3, 2), (1.75, 7), (1.9, 8)])
def test_a_warmup_of_parts_of_epochs_takes_whole_steps(warmup, rising):
    rates = _rates(_ours(4, epochs=2, warmup=warmup), 8)
    assert [rate < RATE for rate in rates] == [True] * rising + [False] * (8 - rising)


def test_an_unknown_schedule_is_refused():
    with pytest.raises(UsageError, match="unknown schedule 'steps'"):
        _ours(1, schedule="steps")
