"""Item tables: by id, by text, and the sum of the two."""

import numpy as np
import pytest
import torch

from genair.config import ITEM_ENCODERS, TrainConfig
from genair.models.items import ItemEncoder

N = 300


def _vectors(seed=0, items=N):
    return torch.randn(items, 12, generator=torch.Generator().manual_seed(seed))


def _encoder(mode, vectors, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        encoder = ItemEncoder(TrainConfig(items=mode, dim=16), N, vectors)
    if mode != "id":
        encoder.start(vectors)
    return encoder


@pytest.mark.parametrize("mode", ITEM_ENCODERS)
def test_the_table_has_a_row_for_padding_and_one_for_each_item(mode):
    table = _encoder(mode, _vectors()).table()
    assert table.shape == (N + 1, 16)
    assert (table[0] == 0).all()
    assert (table[1:] != 0).any(dim=1).all()


@pytest.mark.parametrize(
    ("mode", "std"), [("id", 0.02), ("text", 0.02), ("text+id", 0.02 * 2**0.5), ("text-init", 0.02)]
)
@pytest.mark.parametrize("scale", [1, 400])
def test_tables_start_small_whatever_the_scale_of_the_vectors(mode, std, scale):
    table = _encoder(mode, scale * _vectors()).table()
    assert table[1:].std().item() == pytest.approx(std, rel=0.05)


def test_the_scale_of_the_vectors_does_not_matter():
    wanted = _encoder("text", _vectors()).table()
    torch.testing.assert_close(_encoder("text", 400 * _vectors()).table(), wanted, rtol=1e-3, atol=1e-5)


def test_an_id_table_starts_at_the_principal_components_of_the_vectors():
    """The first column is the direction in which the vectors vary most, and columns do not correlate."""
    stretched = _vectors() * torch.tensor([1.0] * 11 + [9.0])
    table = _encoder("text-init", stretched).ids.weight.detach()[:, :12]
    first = torch.corrcoef(torch.stack([table[:, 0], stretched[:, -1]]))[0, 1]
    assert abs(first.item()) > 0.99
    torch.testing.assert_close(torch.cov(table.T), torch.cov(table.T).diag().diag(), rtol=0, atol=1e-6)
    distances, wanted = torch.cdist(table, table), torch.cdist(stretched, stretched)
    torch.testing.assert_close(distances / distances.max(), wanted / wanted.max(), rtol=0, atol=1e-3)


def test_columns_that_no_component_is_left_for_are_those_of_an_id_table():
    table, ids = _encoder("text-init", _vectors()).ids.weight, _encoder("id", None).ids.weight
    assert torch.equal(table[:, 12:], ids[:, 12:])
    assert not torch.isclose(table[:, :12], ids[:, :12]).any(dim=0).all()


def test_a_table_that_started_at_vectors_is_saved_and_learned_like_one_of_ids():
    encoder = _encoder("text-init", _vectors())
    assert set(encoder.state_dict()) == set(dict(encoder.named_parameters())) == {"ids.weight"}


def test_equal_vectors_are_no_harm():
    assert torch.isfinite(_encoder("text-init", torch.ones(N, 12)).table()).all()


def test_text_and_id_are_summed():
    encoder = _encoder("text+id", _vectors())
    wanted = encoder.ids.weight + encoder.adapter(encoder.vectors)
    torch.testing.assert_close(encoder.table()[1:], wanted)


def test_the_text_table_follows_the_vectors_row_by_row():
    encoder = _encoder("text", _vectors())
    before = encoder.table().detach()
    encoder.vectors[-1] = encoder.vectors[0]
    after = encoder.table().detach()
    torch.testing.assert_close(after[:-1], before[:-1])
    torch.testing.assert_close(after[-1], after[1])
    assert not torch.allclose(after[-1], before[-1])


def test_the_id_table_ignores_vectors():
    encoder = _encoder("id", _vectors())
    assert set(encoder.state_dict()) == {"ids.weight"}
    assert torch.equal(encoder.table(), _encoder("id", None).table())


@pytest.mark.parametrize("mode", ["text", "text+id", "text-init"])
@pytest.mark.parametrize("vectors", [None, _vectors(items=N - 1), _vectors(items=N + 1)])
def test_text_modes_refuse_all_but_one_vector_an_item(mode, vectors):
    with pytest.raises(ValueError, match="one vector per item"):
        _encoder(mode, vectors)


@pytest.mark.parametrize("mode", ["text", "text+id"])
def test_vectors_are_frozen_but_saved(mode):
    encoder = _encoder(mode, _vectors())
    assert "vectors" in encoder.state_dict()
    assert "vectors" not in dict(encoder.named_parameters())
    encoder.table().sum().backward()
    assert encoder.vectors.grad is None


@pytest.mark.parametrize("mode", ITEM_ENCODERS)
def test_a_step_moves_the_items_and_never_the_padding(mode):
    encoder = _encoder(mode, _vectors())
    before = encoder.table().detach()
    optimizer = torch.optim.Adam(encoder.parameters(), lr=0.01)
    (encoder.table() - 1).pow(2).sum().backward()
    optimizer.step()
    after = encoder.table().detach()
    assert (after[0] == 0).all()
    assert (after[1:] != before[1:]).any(dim=1).all()


def test_the_seed_makes_the_table():
    one, same, other = (_encoder("text+id", _vectors(), seed).table() for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert np.isfinite(one.detach().numpy()).all()
