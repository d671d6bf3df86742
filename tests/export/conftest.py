"""Item vectors in blocks, and every format read back by the library it was written for."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from genair.export import FORMATS
from genair.export.base import Block, ItemVectors
from genair.export.ids import ids_path
from genair.export.stage import export_vectors
from genair.provenance import Step

LIMITS = (0.1, -0.0, 3.4028235e38, 1e-45, 16777216.0, 1.1754944e-38, -1 / 3, 1e-7)

Read = tuple[list[str], Block]


@pytest.fixture(scope="session")
def numbers() -> Callable[..., Block]:
    """Return float32 (items, dim), the odd corners of float32 among them."""

    def build(items: int, dim: int = 8) -> Block:
        table = np.random.default_rng(0).standard_normal((items, dim)).astype(np.float32)
        table.flat[: len(LIMITS)] = LIMITS[: table.size]
        return table

    return build


@pytest.fixture(scope="session")
def vectors_of() -> Callable[..., ItemVectors]:
    """Bring ids and a table on their way, in blocks of three."""

    def build(item_ids: Sequence[str], table: Block) -> ItemVectors:
        starts = range(0, len(item_ids), 3)
        blocks = ((list(item_ids[start : start + 3]), table[start : start + 3]) for start in starts)
        return ItemVectors("emb.h5", list(item_ids), table.shape[1], [Step("embed", {}, {}, {})], blocks)

    return build


@pytest.fixture
def write(tmp_path) -> Callable[..., Path]:
    """Export into `items.FORMAT`, ids beside where the format wants them."""

    def call(vectors, to, name=None, **settings):
        path = tmp_path / (name or f"items.{to}")
        with path.open("wb") as stream, ids_path(path).open("wb") as ids:
            export_vectors(vectors, to, stream, ids if FORMATS.get(to).ids_beside else None, **settings)
        if not FORMATS.get(to).ids_beside:
            ids_path(path).unlink()
        return path

    return call


def read_npy(path: Path) -> Read:
    return json.loads(ids_path(path).read_bytes())["item_ids"], np.load(path)


def read_safetensors(path: Path) -> Read:
    from safetensors import safe_open

    with safe_open(path, "np") as file:
        return json.loads(file.metadata()["item_ids"]), file.get_tensor("vectors")


def read_parquet(path: Path) -> Read:
    import polars

    table = polars.read_parquet(path)
    return table["item_id"].to_list(), table["vector"].to_numpy()


def read_word2vec(path: Path, *, binary: bool = False) -> Read:
    from gensim.models import KeyedVectors

    words = KeyedVectors.load_word2vec_format(str(path), binary=binary)
    return list(words.index_to_key), words.vectors


def read_word2vec_binary(path: Path) -> Read:
    return read_word2vec(path, binary=True)


def read_faiss(path: Path) -> Read:
    import faiss

    index = faiss.read_index(str(path))
    rows = faiss.vector_to_array(index.id_map)
    np.testing.assert_array_equal(rows, np.arange(index.ntotal))
    inner = faiss.downcast_index(index.index)
    assert isinstance(inner, faiss.IndexFlatIP)
    return json.loads(ids_path(path).read_bytes())["item_ids"], inner.reconstruct_n(0, inner.ntotal)


def read_recbole(path: Path) -> Read:
    """Read the columns as documented; `test_recbole` has RecBole itself do it."""
    header, *lines = path.read_bytes().decode().removesuffix("\n").split("\n")
    assert header == "iid:token\titem_emb:float_seq"
    ids, rows = zip(*(line.split("\t") for line in lines), strict=True)
    return list(ids), np.array([list(map(float, row.split(" "))) for row in rows]).astype(np.float32)


READERS: dict[str, Callable[[Path], Read]] = {
    "npy": read_npy,
    "safetensors": read_safetensors,
    "parquet": read_parquet,
    "word2vec": read_word2vec,
    "word2vec-binary": read_word2vec_binary,
    "recbole": read_recbole,
    "faiss": read_faiss,
}


@pytest.fixture(scope="session")
def read() -> Callable[[str, Path], Read]:
    """Read a format by its own library: read("npy", path)."""
    return lambda to, path: READERS[to](path)
