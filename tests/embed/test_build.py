"""Views into the file block by block, vectors out of them."""

import h5py
import numpy as np
import pytest

from genair.config import EmbedConfig
from genair.embed.build import build_vectors
from genair.embed.reduce import PCA, fit_pca
from genair.errors import InputError
from genair.io.embeddings import create_embeddings
from genair.io.partial import scratch_partial
from genair.llm.base import PooledStates
from genair.llm.spool import STREAMS, StatesSpool, add_states

HIDDEN = 5
N_ITEMS = 1030  # more than one block, and a short last one
RNG = np.random.default_rng(0)
CONTEXT, ARCHETYPE = RNG.normal(size=(2, N_ITEMS, HIDDEN)).astype(np.float32) * np.arange(
    1, HIDDEN + 1, dtype="f4"
)


def build(path, config, n=N_ITEMS):
    """Return the vectors' size and everything in the file."""
    with scratch_partial(STREAMS, {}) as work, create_embeddings(path) as writer:
        for number, pair in enumerate(zip(CONTEXT[:n], ARCHETYPE[:n], strict=True)):
            add_states(work, str(number), PooledStates(*pair), config.views)
        dim = build_vectors(StatesSpool.of(work, config.views), config, writer)
        writer.finish([str(n) for n in range(len(writer.container.dataset("vectors")))], dim, [])
    with h5py.File(path) as file:
        found = {}
        file.visititems(
            lambda name, node: found.update({name: node[()]}) if isinstance(node, h5py.Dataset) else None
        )
        return dim, found


@pytest.mark.parametrize(
    "views", [("context",), ("archetype",), ("context", "archetype"), ("archetype", "context")]
)
def test_vectors_are_the_views_reduced_and_joined_in_order(tmp_path, views):
    dim, found = build(tmp_path / "a.h5", EmbedConfig(views=views, dim=3))
    raw = {"context": CONTEXT, "archetype": ARCHETYPE}
    expected = [fit_pca([raw[view][:1024], raw[view][1024:]], 3).project(raw[view]) for view in views]
    np.testing.assert_array_equal(found["vectors"], np.concatenate(expected, axis=1))
    assert found["vectors"].dtype == np.float32
    assert dim == found["vectors"].shape[1] == 3 * len(views)
    assert {name for name in found if name.startswith("views/")} == {f"views/{view}" for view in views}
    for view in views:
        np.testing.assert_array_equal(found[f"views/{view}"], raw[view])


def test_the_file_s_reducers_make_its_vectors_of_its_views(tmp_path):
    _, found = build(tmp_path / "a.h5", EmbedConfig(dim=2))
    for number, view in enumerate(("context", "archetype")):
        names = ("mean", "components", "explained_variance")
        pca = PCA(*(found[f"reducer/{view}/{name}"] for name in names))
        own = found["vectors"][:, 2 * number : 2 * number + 2]
        np.testing.assert_allclose(pca.project(found[f"views/{view}"]), own, atol=1e-5)
        np.testing.assert_allclose(pca.project(found[f"views/{view}"][-1:]), own[-1:], atol=1e-5)


@pytest.mark.parametrize(
    ("n_items", "dim", "expected"), [(3, 384, 2), (4, 2, 2), (50, 384, HIDDEN), (2, 384, 1)]
)
def test_the_size_is_what_states_and_items_allow(tmp_path, n_items, dim, expected):
    made, found = build(tmp_path / "a.h5", EmbedConfig(views=("context",), dim=dim), n_items)
    assert made == found["vectors"].shape[1] == expected
    assert len(found["vectors"]) == n_items


@pytest.mark.parametrize("n_items", [0, 1])
def test_fewer_than_two_items_are_refused(tmp_path, n_items):
    with pytest.raises(InputError, match=f"needs two items or more, found {n_items}"):
        build(tmp_path / "a.h5", EmbedConfig(), n_items)
