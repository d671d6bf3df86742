"""Dropout: how much it takes away, of what, and what is left of the rest."""

import numpy as np
import pytest
import torch

from genair.models.dropout import Dropout, dropped


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.mark.parametrize("rate", [0.003, 0.1, 0.2, 0.5, 0.9, 0.999])
def test_a_rate_of_the_values_is_dropped_and_the_rest_keeps_the_sum(rate):
    count = 400_000
    left = dropped(torch.ones(count), rate)
    error = 5 * np.sqrt(rate * (1 - rate) / count)  # five standard deviations
    assert (left == 0).double().mean().item() == pytest.approx(rate, abs=error + 1e-5)
    kept = left[left != 0]
    assert torch.equal(kept, kept[:1].expand(len(kept)))
    assert kept[0].item() == pytest.approx(1 / (1 - rate), rel=0.01)


@pytest.mark.parametrize("apart", [1, 2, 3, 4, 5, 64])
def test_whether_one_value_is_dropped_says_nothing_about_another(apart):
    gone = (dropped(torch.ones(400_000), 0.3) == 0).double().numpy()
    assert abs(np.corrcoef(gone[:-apart], gone[apart:])[0, 1]) < 0.01


@pytest.mark.parametrize("place", range(4))
def test_each_of_the_elements_that_share_a_draw_is_dropped_as_often(place):
    gone = dropped(torch.ones(100_000, 4), 0.2)[:, place] == 0
    assert gone.double().mean().item() == pytest.approx(0.2, abs=0.007)


@pytest.mark.parametrize("shape", [(0,), (1,), (3,), (2, 3, 5), (4, 4)])
def test_any_shape_is_taken(shape):
    left = dropped(torch.ones(shape), 0.5)
    assert left.shape == shape
    assert set(left.unique().tolist()) <= {0.0, 2.0}


def test_values_whose_order_in_memory_is_another_are_taken():
    values = torch.arange(1.0, 13.0).view(3, 4).T
    left = dropped(values, 0.5)
    assert torch.equal(left[left != 0], 2 * values[left != 0])
    assert 0 < (left == 0).sum() < 12


def test_the_type_of_the_values_stays():
    assert dropped(torch.ones(8, dtype=torch.bfloat16), 0.5).dtype == torch.bfloat16


def test_gradients_come_back_through_what_was_kept():
    values = torch.ones(64, requires_grad=True)
    left = dropped(values, 0.5)
    left.sum().backward()
    assert torch.equal(values.grad, left.detach())


@pytest.mark.parametrize("rate", [0.0, 1e-9])
def test_a_rate_of_nothing_drops_nothing(rate):
    assert torch.equal(dropped(torch.ones(1000), rate), torch.ones(1000))


def test_the_highest_rates_leave_finite_values():
    assert torch.isfinite(dropped(torch.ones(1000), 1 - 1e-9)).all()


def test_the_generator_of_torch_decides():
    torch.manual_seed(7)
    first = dropped(torch.ones(100), 0.5)
    assert not torch.equal(dropped(torch.ones(100), 0.5), first)
    torch.manual_seed(7)
    assert torch.equal(dropped(torch.ones(100), 0.5), first)


def test_the_layer_drops_in_training_only():
    layer, values = Dropout(0.5), torch.ones(100)
    assert (layer(values) == 0).any()
    assert torch.equal(layer.eval()(values), values)


def test_a_layer_of_no_rate_draws_nothing():
    before = torch.get_rng_state()
    assert torch.equal(Dropout(0.0)(torch.ones(4)), torch.ones(4))
    assert torch.equal(torch.get_rng_state(), before)
