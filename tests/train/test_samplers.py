"""Samplers: the frequencies they promise, the whole catalogue within reach, and their state."""

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from genair.errors import UsageError
from genair.train import SAMPLERS
from genair.train.samplers import Sampler

N = 9
HISTORIES = [[1, 2, 3], [4, 4, 4, 4, 4], [5, 6, 2, 2]]
COUNTS = [1, 3, 1, 5, 1, 1, 0, 0, 0]
SHARES = {
    "uniform": np.full(N, 1 / N),
    "popularity": (np.asarray(COUNTS) + 1) / (sum(COUNTS) + N),
}


@pytest.fixture
def sampler(toy_sequences):
    return lambda name, seed=0: SAMPLERS.get(name)(toy_sequences(HISTORIES, N), seed)


def test_every_sampler_has_its_shares_here():
    assert set(SHARES) == set(SAMPLERS.names())


@pytest.mark.parametrize("name", SAMPLERS.names())
def test_items_come_as_often_as_promised_and_padding_never(name, sampler):
    drawn = sampler(name).draw(50_000).items
    counts = np.bincount(drawn.numpy(), minlength=N + 1)
    assert counts[0] == 0
    assert len(counts) == N + 1
    assert counts[N] > 0
    assert chisquare(counts[1:], 50_000 * SHARES[name]).pvalue > 0.01


@pytest.mark.parametrize("name", SAMPLERS.names())
@pytest.mark.parametrize("count", [1, 40])
def test_what_is_expected_is_told_with_each_item(name, count, sampler):
    drawn = sampler(name).draw(count)
    assert drawn.items.shape == drawn.log_expected.shape == (count,)
    wanted = count * SHARES[name][drawn.items.numpy() - 1]
    np.testing.assert_allclose(drawn.log_expected.exp(), wanted, rtol=1e-5)


@pytest.mark.parametrize("name", SAMPLERS.names())
def test_the_seed_and_the_state_settle_what_is_drawn(name, sampler):
    one, two, other = sampler(name, 3), sampler(name, 3), sampler(name, 4)
    first = one.draw(50).items
    assert torch.equal(two.draw(50).items, first)
    assert not torch.equal(other.draw(50).items, first)
    state = one.generator.get_state()
    later = one.draw(50).items
    assert not torch.equal(later, first)
    other.generator.set_state(state)
    assert torch.equal(other.draw(50).items, later)


@pytest.mark.parametrize("name", SAMPLERS.names())
def test_torchs_own_random_numbers_are_left_alone(name, sampler):
    state = torch.get_rng_state()
    sampler(name).draw(10)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_end_of_the_last_share_belongs_to_the_last_item(sampler, monkeypatch):
    """Shares may add up to less than 1 by rounding, and a draw may lie beyond them."""
    monkeypatch.setattr(torch, "rand", lambda *_, **__: torch.ones(1, dtype=torch.float64))
    assert sampler("popularity").draw(1).items.tolist() == [N]


def test_an_unknown_sampler_is_refused():
    with pytest.raises(UsageError, match="unknown sampler"):
        SAMPLERS.get("none")


def test_a_sampler_without_draw_says_so(toy_sequences):
    class Empty(Sampler):
        pass

    with pytest.raises(TypeError, match="Empty lacks draw"):
        Empty(toy_sequences(HISTORIES, N), 0).draw(1)
