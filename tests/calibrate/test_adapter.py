"""The adapter: its shape, its unit of input, where it starts."""

import pytest
import torch

from genair.calibrate.adapter import Adapter


def _adapter(in_dim=6, dim=4, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Adapter(in_dim, dim)


def _vectors(items=50, in_dim=6, seed=1):
    return torch.randn(items, in_dim, generator=torch.Generator().manual_seed(seed))


def test_it_maps_each_vector_alone_to_the_wanted_size():
    adapter, vectors = _adapter(), _vectors()
    mapped = adapter(vectors)
    assert mapped.shape == (50, 4)
    torch.testing.assert_close(adapter(vectors[-1:]), mapped[-1:])


def test_it_is_the_papers_two_layers():
    adapter = _adapter(in_dim=6, dim=4)
    linear, norm, gelu = adapter.layers
    assert (linear.in_features, linear.out_features) == (6, 8)
    assert norm.normalized_shape == (8,)
    assert isinstance(gelu, torch.nn.GELU)
    assert (adapter.last.in_features, adapter.last.out_features) == (8, 4)


@pytest.mark.parametrize("factor", [1e-3, 250.0])
def test_the_scale_of_the_vectors_does_not_matter(factor):
    adapter, vectors = _adapter(), _vectors()
    adapter.fit_scale(vectors)
    wanted = adapter(vectors)
    adapter.fit_scale(factor * vectors)
    torch.testing.assert_close(adapter(factor * vectors), wanted, rtol=1e-4, atol=1e-5)


def test_the_scale_is_the_root_mean_square():
    adapter = _adapter(in_dim=2)
    adapter.fit_scale(torch.tensor([[3.0, 0.0], [0.0, 1.0]]))
    assert adapter.scale.item() == pytest.approx(2.5**0.5)


def test_vectors_of_zeros_leave_the_scale_at_one():
    adapter = _adapter()
    adapter.fit_scale(torch.zeros(5, 6))
    assert adapter.scale.item() == 1
    assert torch.isfinite(adapter(torch.zeros(5, 6))).all()


def test_the_scale_is_saved_with_the_weights():
    adapter, other, vectors = _adapter(seed=0), _adapter(seed=5), _vectors()
    adapter.fit_scale(7 * vectors)
    other.load_state_dict(adapter.state_dict())
    assert torch.equal(other(vectors), adapter(vectors))


def test_it_is_made_again_of_what_was_saved():
    adapter, vectors = _adapter(), _vectors()
    adapter.fit_scale(7 * vectors)
    assert torch.equal(Adapter.of(adapter.state_dict())(vectors), adapter(vectors))


def test_reading_out_its_features_is_mapping():
    adapter, vectors = _adapter(), _vectors()
    adapter.fit_scale(7 * vectors)
    assert torch.equal(adapter.read_out(adapter.features(vectors)), adapter(vectors))


@pytest.mark.parametrize("std", [0.02, 1.0])
def test_it_starts_at_the_wanted_standard_deviation(std):
    adapter, vectors = _adapter(), _vectors()
    adapter.fit_scale(vectors)
    adapter.start_at(vectors, std)
    assert adapter(vectors).std().item() == pytest.approx(std, rel=1e-4)


def test_it_starts_at_mean_zero():
    adapter, vectors = _adapter(), _vectors()
    adapter.fit_scale(vectors)
    adapter.start_at(vectors, 0.02)
    assert adapter(vectors).mean().item() == pytest.approx(0, abs=1e-6)


def test_starting_keeps_what_tells_items_apart():
    adapter, vectors = _adapter(), _vectors()
    adapter.fit_scale(vectors)
    before = adapter(vectors)
    adapter.start_at(vectors, 0.02)
    apart_before, apart = before - before.mean(dim=0), adapter(vectors) - adapter(vectors).mean(dim=0)
    cosine = torch.nn.functional.cosine_similarity(apart_before.flatten(), apart.flatten(), dim=0)
    assert cosine.item() == pytest.approx(1, abs=1e-5)
