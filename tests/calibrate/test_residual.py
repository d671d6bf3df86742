"""The residual adapter: its formula by hand, its input, and its way through a file."""

import numpy as np
import pytest
import torch

from genair.calibrate.residual import ResidualAdapter


def _vectors(items=50, in_dim=6, seed=1):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(items, in_dim)) * 3 ** np.arange(in_dim) + 2).astype(np.float32)


def _adapter(vectors, features=9, dim=4, seed=0):
    adapter = ResidualAdapter(vectors.shape[1], features, dim)
    with torch.no_grad():
        adapter.fit_input(torch.from_numpy(vectors), seed)
        adapter.output.copy_(torch.randn(adapter.output.shape, generator=torch.Generator().manual_seed(2)))
    return adapter


@torch.no_grad()
def _mapped(adapter, vectors):
    return adapter(torch.from_numpy(vectors)).numpy()


@pytest.mark.parametrize("features", [9, 0])
def test_it_maps_by_its_formula(features):
    vectors = _vectors()
    adapter = _adapter(vectors, features)
    deviation = vectors.std(axis=0)
    x = (vectors - vectors.mean(axis=0)) / (deviation + 1e-3 * deviation.max())
    both = np.concatenate([x, np.maximum(x @ adapter.hidden.numpy(), 0)], axis=1)
    wanted = (both - both.mean(axis=0)) @ adapter.output.detach().numpy()
    np.testing.assert_allclose(_mapped(adapter, vectors), wanted, rtol=1e-3, atol=1e-4)


@torch.no_grad()
def test_its_features_have_mean_zero():
    vectors = _vectors()
    found = _adapter(vectors).features(torch.from_numpy(vectors))
    assert found.shape == (50, 15)
    torch.testing.assert_close(found.mean(dim=0), torch.zeros(15), rtol=0, atol=1e-5)


def test_what_goes_into_its_random_features_has_deviation_one():
    hidden = _adapter(_vectors(in_dim=100), features=400).hidden
    assert hidden.std().item() == pytest.approx(0.1, rel=0.02)
    assert hidden.mean().item() == pytest.approx(0, abs=0.002)


def test_the_seed_chooses_its_random_features():
    vectors = _vectors()
    one, same, other = (_adapter(vectors, seed=seed).hidden for seed in (3, 3, 4))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_only_the_output_is_learned():
    assert [name for name, _ in _adapter(_vectors()).named_parameters()] == ["output"]


def test_it_is_made_again_of_what_was_saved():
    vectors = _vectors()
    adapter = _adapter(vectors)
    again = ResidualAdapter.of(adapter.state_dict())
    assert _mapped(again, vectors).tobytes() == _mapped(adapter, vectors).tobytes()


def test_reading_out_its_features_is_mapping():
    vectors = torch.from_numpy(_vectors())
    adapter = _adapter(_vectors())
    assert torch.equal(adapter.read_out(adapter.features(vectors)), adapter(vectors))


@pytest.mark.parametrize("noise", [0.0, 1e-6])
def test_a_column_without_differences_is_not_blown_up(noise):
    vectors = _vectors()
    vectors[:, 2] = 0.1 + noise * np.random.default_rng(0).normal(size=50)
    with torch.no_grad():
        column = _adapter(vectors).features(torch.from_numpy(vectors))[:, 2]
    assert column.abs().max() < 1e-3


def test_equal_vectors_have_features_that_are_numbers():
    vectors = np.full((5, 6), 0.25, np.float32)
    assert np.isfinite(_mapped(_adapter(vectors), vectors)).all()


def test_the_last_item_alone_is_what_it_is_among_all():
    vectors = _vectors()
    adapter = _adapter(vectors)
    np.testing.assert_allclose(_mapped(adapter, vectors[-1:]), _mapped(adapter, vectors)[-1:], rtol=1e-4)


def test_the_last_item_has_a_share_in_mean_and_deviation():
    vectors = _vectors()
    other = vectors.copy()
    other[-1] += 100
    assert (_adapter(other).mean != _adapter(vectors).mean).all()
    assert (_adapter(other).deviation != _adapter(vectors).deviation).all()
