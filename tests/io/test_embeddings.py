"""The embedding file: ids and vectors stay together, and any damage is noticed."""

import struct

import h5py
import numpy as np
import pytest

from genair.errors import GenairError, InputError
from genair.io.container import open_container
from genair.io.embeddings import EmbeddingTable, create_embeddings, read_table, write_table
from genair.provenance import Step

IDS = ["007", " 7 ", str(2**60), "日本語-🎣", "a\u2028b", "x" * 5000]
VECTORS = np.random.default_rng(0).normal(size=(len(IDS), 4)).astype(np.float32)
FLOAT32 = bytes.fromhex("11201f000400000000002000170800177f000000")  # as HDF5 describes it
STEPS = [
    Step("embed", {"dim": 4}, {"archetypes": "ab"}, {"genair": "0.1.0"}),
    Step("calibrate", {"dim": 4}, {"interactions": "cd"}, {"genair": "0.1.0"}, "embed-1"),
]
TABLE = EmbeddingTable(IDS, VECTORS, STEPS, {"adapter/b": np.ones(3), "adapter/a": np.eye(2)})


@pytest.fixture
def path(tmp_path):
    write_table(tmp_path / "a.h5", TABLE)
    return tmp_path / "a.h5"


def same(found, table=TABLE):
    equal = found.vectors.shape == table.vectors.shape and bool((found.vectors == table.vectors).all())
    return equal and list(found.item_ids) == list(table.item_ids) and found.steps == table.steps


def test_a_table_survives_its_file(path):
    found = read_table(path, "a.h5")
    assert same(found)
    assert found.vectors.dtype == np.float32
    with open_container(path, "a.h5") as container:
        np.testing.assert_array_equal(container.read("adapter/a"), np.eye(2))
        assert container.attributes()["rows"] == len(IDS)
        assert container.attributes()["dim"] == 4


def test_equal_tables_give_equal_bytes_whatever_the_order_of_their_extras(path, tmp_path):
    extras = dict(reversed(TABLE.extras.items()))
    write_table(tmp_path / "b.h5", EmbeddingTable(IDS, VECTORS, STEPS, extras))
    assert (tmp_path / "b.h5").read_bytes() == path.read_bytes()


def test_blocks_read_back_what_was_appended(tmp_path):
    with create_embeddings(tmp_path / "a.h5") as writer:
        assert list(writer.blocks("views/context", 2)) == []
        for start in (0, 1, 4):
            writer.append("views/context", VECTORS[start : {0: 1, 1: 4, 4: 6}[start]])
        blocks = list(writer.blocks("views/context", 4))
        assert [len(block) for block in blocks] == [4, 2]
        np.testing.assert_array_equal(np.concatenate(blocks), VECTORS)


@pytest.mark.parametrize("n_ids", [0, 5, 7])
def test_more_or_fewer_ids_than_vectors_are_refused_when_writing(tmp_path, n_ids):
    with create_embeddings(tmp_path / "a.h5") as writer:
        writer.append("vectors", VECTORS)
        with pytest.raises(ValueError, match=f"6 vectors for {n_ids} ids"):
            writer.finish([str(number) for number in range(n_ids)], 4, STEPS)


def _edit(path, change):
    with h5py.File(path, "r+") as file:
        change(file)


def _resize(file, name, data):
    del file[name]
    file[name] = data


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda file: file.pop("vectors"), "has no /vectors"),
        (lambda file: file.pop("item_ids"), "has no /item_ids"),
        (lambda file: file.pop("provenance"), "has no /provenance/steps"),
        (lambda file: _resize(file, "vectors", VECTORS[:5]), r"6 ids but vectors of shape \(5, 4\)"),
        (lambda file: _resize(file, "vectors", VECTORS.ravel()), r"6 ids but vectors of shape \(24,\)"),
        (lambda file: file["item_ids"].write_direct(np.array([*IDS[1:], IDS[0]], object)), "digest"),
        (lambda file: file.attrs.pop("ids_sha256"), "digest"),
        (
            lambda file: file["vectors"].__setitem__((5, 3), np.nan),
            f"vector of item '{IDS[5]}' is not finite",
        ),
        (lambda file: file["vectors"].__setitem__((0, 0), -np.inf), "vector of item '007' is not finite"),
        (lambda file: _resize(file, "vectors", [b"text"] * 6), "/vectors|vectors of shape"),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(path, change, message):
    _edit(path, change)
    with pytest.raises(InputError, match=rf"^a\.h5: .*{message}"):
        read_table(path, "a.h5")


def test_one_changed_letter_in_an_id_is_noticed(path):
    data = path.read_bytes()
    place = data.index("日本語-🎣".encode())
    path.write_bytes(data[: place + 9] + b"_" + data[place + 10 :])
    with pytest.raises(InputError, match=r"^a\.h5: item ids do not match their digest$"):
        read_table(path, "a.h5")


def test_a_flipped_bit_in_the_type_of_the_numbers_is_noticed(path):
    """The exponent's bias: without a checksum on it, every number would silently double."""
    data = path.read_bytes()
    place = data.index(FLOAT32) + len(FLOAT32) - 4
    path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    with pytest.raises(InputError, match=r"^a\.h5: "):
        read_table(path, "a.h5")


def _outside_heaps(data):
    """Return the bytes that are not in HDF5's global heap: no library checks that one."""
    places = set(range(len(data)))
    start = data.find(b"GCOL")
    while start >= 0:
        (size,) = struct.unpack_from("<Q", data, start + 8)
        places -= set(range(start, start + size))
        start = data.find(b"GCOL", start + size)
    return sorted(places)


def test_no_flipped_bit_gives_a_wrong_number_or_a_stranger_s_error(path, tmp_path):
    data = path.read_bytes()
    dice = np.random.default_rng(0)
    damaged = tmp_path / "b.h5"
    wrong = []
    for place in dice.choice(_outside_heaps(data), 250, replace=False).tolist():
        bit = 1 << int(dice.integers(8))
        damaged.write_bytes(data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :])
        try:
            if not same(read_table(damaged, "b.h5")):
                wrong.append((place, bit, "other content"))
        except GenairError as error:
            if error.where != "b.h5":
                wrong.append((place, bit, f"the place is {error.where}"))
        except Exception as error:
            wrong.append((place, bit, repr(error)[:80]))
    assert wrong == []
