"""Vectors come out of a file block by block, checked, or out of a table."""

import h5py
import numpy as np
import pytest

from genair.errors import InputError
from genair.export.source import computed_vectors, stored_vectors, watched
from genair.io.container import open_container
from genair.io.embeddings import EmbeddingTable, create_embeddings, write_table

DIM = 4096  # 64 rows a chunk
N = 150


@pytest.fixture
def table():
    return np.random.default_rng(0).standard_normal((N, DIM)).astype(np.float32)


@pytest.fixture
def path(tmp_path, table):
    """A file that grew in pieces, as those of `genair embed` do."""
    made = tmp_path / "emb.h5"
    with create_embeddings(made) as writer:
        for start in range(0, N, 40):
            writer.append("vectors", table[start : start + 40])
            writer.append("views/context", -table[start : start + 40])
        writer.finish([f"i{row}" for row in range(N)], DIM, [])
    return made


def collect(vectors):
    ids, blocks = zip(*vectors.blocks, strict=True)
    return (
        [item_id for part in ids for item_id in part],
        np.concatenate(blocks),
        [len(block) for block in blocks],
    )


def test_a_file_comes_in_blocks_of_whole_chunks(path, table, monkeypatch):
    monkeypatch.setattr("genair.export.source._BLOCK_BYTES", 100 * 4 * DIM)
    with open_container(path, "emb.h5") as container:
        vectors = stored_vectors(container)
        ids, found, blocks = collect(vectors)
    assert ids == vectors.item_ids == [f"i{row}" for row in range(N)]
    assert np.array_equal(found, table)
    assert blocks == [64, 64, 22]


def test_a_view_is_read_in_the_place_of_the_vectors(path, table):
    with open_container(path, "emb.h5") as container:
        ids, found, blocks = collect(stored_vectors(container, "context"))
    assert (ids[-1], blocks) == ("i149", [150])
    assert np.array_equal(found, -table)


def test_a_view_that_the_file_lacks_is_named(path):
    with open_container(path, "emb.h5") as container, pytest.raises(InputError, match="no view 'archetype'"):
        stored_vectors(container, "archetype")


def test_vectors_in_memory_come_in_blocks(table, monkeypatch):
    monkeypatch.setattr("genair.export.source._BLOCK_BYTES", 100 * 4 * DIM)
    ids, found, blocks = collect(computed_vectors("model.h5", [str(row) for row in range(N)], table, []))
    assert (ids[0], ids[-1], blocks) == ("0", "149", [100, 50])
    assert np.array_equal(found, table)


def test_what_has_passed_is_told(table):
    counts = []
    collect(watched(computed_vectors("model.h5", [str(row) for row in range(N)], table, []), counts.append))
    assert sum(counts) == N


def test_a_vector_that_is_not_finite_is_named(path):
    with h5py.File(path, "r+") as file:
        file["vectors"][149, 3] = np.nan
    with open_container(path, "emb.h5") as container, pytest.raises(InputError, match="'i149' is not finite"):
        collect(stored_vectors(container))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda file: file["vectors"].resize(N - 1, axis=0), r"150 ids but vectors of shape \(149, 4096\)"),
        (lambda file: file["item_ids"].__setitem__(0, "other"), "do not match their digest"),
    ],
)
def test_ids_and_rows_that_do_not_fit_are_refused(path, change, said):
    with h5py.File(path, "r+") as file:
        change(file)
    with open_container(path, "emb.h5") as container, pytest.raises(InputError, match=said):
        stored_vectors(container)


def test_no_items_are_nothing_to_export(tmp_path):
    path = tmp_path / "none.h5"
    write_table(path, EmbeddingTable([], np.zeros((0, 4), np.float32), []))
    with open_container(path, "none.h5") as container, pytest.raises(InputError, match="holds no items"):
        stored_vectors(container)
    with pytest.raises(InputError, match="holds no items"):
        computed_vectors("model.h5", [], np.zeros((0, 4), np.float32), [])
