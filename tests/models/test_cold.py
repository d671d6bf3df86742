"""New items behind those that a model was trained on."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from genair.config import TrainConfig
from genair.errors import InputError
from genair.io.checkpoints import ModelFile
from genair.io.embeddings import EmbeddingTable
from genair.models.base import build_recommender, restore_recommender, weights_of
from genair.models.cold import extend_catalogue

IDS = ["007", "7", "日本語", " 7 ", "a/b", "🙂"]
NEW = ["zz", "0", "é"]
VECTORS = np.random.default_rng(0).normal(size=(len(IDS) + len(NEW), 5)).astype(np.float32) * 100
HISTORIES = torch.tensor([[4, 6, 1, 0], [2, 0, 0, 0], [1, 2, 3, 4]])


def trained(mode="text"):
    config = TrainConfig(items=mode, dim=8)
    vectors = torch.from_numpy(VECTORS[: len(IDS)])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = build_recommender(config, len(IDS), None if mode == "id" else vectors)
    return ModelFile(config.settings(), IDS, weights_of(model), [])


def table_of(order=None, ids=(*IDS, *NEW), vectors=VECTORS):
    order = list(range(len(ids))) if order is None else list(order)
    return EmbeddingTable([ids[row] for row in order], vectors[order], [])


def extend(model, table):
    return extend_catalogue(model, table, model_name="model.h5", name="all.h5")


def scores(model):
    restored = restore_recommender(model.config, model.weights, len(model.item_ids))
    with torch.no_grad():
        table = restored.items.table()
        return restored, table, restored.scores(HISTORIES, table)


@pytest.mark.parametrize("order", [range(9), range(8, -1, -1), [8, 0, 3, 7, 1, 6, 2, 5, 4]])
def test_new_rows_come_behind_the_model_s_in_the_table_s_order(order):
    model = trained()
    made = extend(model, table_of(order))
    new = [row for row in order if row >= len(IDS)]
    assert list(made.item_ids) == [*IDS, *((*IDS, *NEW)[row] for row in new)]
    np.testing.assert_array_equal(made.weights["items.vectors"], VECTORS[[*range(len(IDS)), *new]])
    assert made.config == model.config


def test_nothing_but_the_vectors_changes_and_nothing_is_fitted_again():
    model = trained()
    made = extend(model, table_of())
    restored = weights_of(scores(made)[0])
    assert made.weights.keys() == restored.keys() == model.weights.keys()
    assert "items.adapter.scale" in restored
    for name in model.weights.keys() - {"items.vectors"}:
        assert restored[name].tobytes() == model.weights[name].tobytes(), name
    assert restored["items.vectors"][: len(IDS)].tobytes() == model.weights["items.vectors"].tobytes()
    assert len(model.weights["items.vectors"]) == len(IDS)


def test_known_items_keep_their_scores():
    before = scores(trained())[2]
    after = scores(extend(trained(), table_of([8, 0, 3, 7, 1, 6, 2, 5, 4])))[2]
    assert after.shape == (3, len(IDS) + len(NEW))
    torch.testing.assert_close(after[:, : len(IDS)], before, rtol=1e-5, atol=1e-5)


def test_a_new_item_is_scored_with_its_own_vector():
    model = extend(trained(), table_of())
    restored, table, every = scores(model)
    with torch.no_grad():
        own = restored.items.adapter(torch.from_numpy(VECTORS[-1:]))
        states = restored.states(HISTORIES, table)[torch.arange(3), torch.tensor([2, 0, 3])]
    torch.testing.assert_close(every[:, -1:], states @ own.T)
    twin = VECTORS.copy()
    twin[-1] = VECTORS[2]
    twins = scores(extend(trained(), table_of(vectors=twin)))[2]
    torch.testing.assert_close(twins[:, -1], twins[:, 2])
    assert not torch.allclose(twins[:, -1], every[:, -1])


def test_a_new_item_can_be_in_a_history():
    restored, table, _ = scores(extend(trained(), table_of()))
    with torch.no_grad():
        one, other = (restored.scores(torch.tensor([[1, item]]), table) for item in (7, 8))
    assert not torch.allclose(one, other)


def test_a_table_without_new_items_changes_nothing():
    model = trained()
    made = extend(model, table_of(range(5, -1, -1)))
    assert list(made.item_ids) == IDS
    np.testing.assert_array_equal(made.weights["items.vectors"], model.weights["items.vectors"])


def test_vectors_may_differ_by_rounding_and_the_model_s_are_kept():
    model = trained()
    made = extend(model, table_of(vectors=VECTORS * np.float32(1 + 2e-5)))
    np.testing.assert_array_equal(made.weights["items.vectors"][: len(IDS)], VECTORS[: len(IDS)])


@pytest.mark.parametrize("mode", ["id", "text+id", "text-init"])
def test_a_model_with_rows_of_ids_has_none_for_new_items(mode):
    with pytest.raises(InputError) as caught:
        extend(trained(mode), table_of())
    assert str(caught.value).startswith(f"model.h5: was trained with --items {mode}, which has no row")
    assert str(caught.value).endswith("train with --items text")


def test_items_that_are_missing_are_named_and_counted():
    with pytest.raises(
        InputError, match=r"2 item ids are not in all\.h5: '7', 'a/b': it needs all the model's"
    ):
        extend(trained(), table_of([0, 2, 3, 5, 6, 7, 8]))


def test_an_id_that_looks_alike_is_another_item():
    with pytest.raises(InputError, match=r"1 item ids are not in .*: '007'"):
        extend(trained(), table_of(ids=("07", *IDS[1:], *NEW)))


@pytest.mark.parametrize(
    ("vectors", "words"),
    [
        (VECTORS + np.float32(1) * (np.arange(9) == 2)[:, None], "1 differ, the first is that of '日本語'"),
        (-VECTORS, "6 differ, the first is that of '007'"),
        (VECTORS[:, :4], "4 numbers an item, not 5"),
    ],
)
def test_other_vectors_than_the_model_s_are_refused(vectors, words):
    with pytest.raises(InputError) as caught:
        extend(trained(), table_of(vectors=vectors))
    assert str(caught.value) == f"all.h5: was not made of the same vectors as model.h5: {words}"


def test_an_item_whose_vector_is_zero_is_the_same_only_if_it_stays_zero():
    vectors = VECTORS.copy()
    vectors[1] = 0
    model = trained()
    model = replace(model, weights={**model.weights, "items.vectors": vectors[: len(IDS)]})
    assert len(extend(model, table_of(vectors=vectors)).item_ids) == 9
    with pytest.raises(InputError, match="1 differ, the first is that of '7'"):
        extend(model, table_of())
