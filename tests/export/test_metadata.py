"""Formats with room for it say whose vectors they hold and who made them."""

import json

import polars
import pytest
from pyarrow import parquet
from safetensors import safe_open

from genair.export.ids import ids_path
from genair.io.container import ids_digest

IDS = ["b", "a", "line\nend"]


def of_safetensors(path):
    with safe_open(path, "np") as file:
        return file.metadata()


READERS = {
    "safetensors": of_safetensors,
    "parquet": polars.read_parquet_metadata,
    "npy": lambda path: json.loads(ids_path(path).read_bytes()),
    "faiss": lambda path: json.loads(ids_path(path).read_bytes()),
}


@pytest.mark.parametrize("to", READERS)
def test_the_digest_of_the_ids_and_all_steps_are_kept(numbers, vectors_of, write, to):
    found = READERS[to](write(vectors_of(IDS, numbers(3)), to, view="context", normalize=True))
    assert found["genair_ids_sha256"] == ids_digest(IDS)
    steps = found["genair_steps"]
    first, last = json.loads(steps) if isinstance(steps, str) else steps
    assert (first["command"], last["command"]) == ("embed", "export")
    assert last["previous"] == first["id"]
    assert last["settings"] == {"to": to, "view": "context", "normalize": True}


def test_each_id_beside_has_a_line_of_its_own(numbers, vectors_of, write):
    lines = ids_path(write(vectors_of(IDS, numbers(3)), "npy")).read_bytes().split(b"\n")
    assert b'    "a",' in lines
    assert b'    "line\\nend"' in lines


def test_parquet_says_that_nothing_is_missing_and_how_long_vectors_are(numbers, vectors_of, write):
    schema = parquet.read_schema(write(vectors_of(IDS, numbers(3)), "parquet"))
    assert not schema.field("item_id").nullable
    assert not schema.field("vector").nullable
    assert schema.field("vector").type.list_size == 8
