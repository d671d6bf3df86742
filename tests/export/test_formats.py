"""What every format promises: the same ids, the same bits, in the same order, read by its own library."""

import numpy as np
import pytest

from genair.errors import GenairError
from genair.export import FORMATS

ANY = ["npy", "safetensors", "parquet", "faiss"]
PLAIN = ["007", "7", "b", "😀", "é", "in'side", 'in"side', str(2**60), "#1", "a,b", "a:b", "</s>", "last"]
AWKWARD = ["", " 7 ", "tab\there", "line\nend", "cr\r", "a\u2028b", "a\u0085b", '"quoted"', "NA", "[PAD]"]
AWKWARD += ["007", "7", "\\", "null", "é" * 5000, "last"]


def same_bits(one, other):
    assert one.dtype == other.dtype == np.float32
    assert one.shape == other.shape
    return np.array_equal(one.view(np.int32), other.view(np.int32))


@pytest.mark.parametrize("to", FORMATS.names())
@pytest.mark.parametrize("item_ids", [PLAIN, ["only"]], ids=["13", "1"])
def test_its_library_reads_the_same_ids_and_bits(numbers, vectors_of, write, read, to, item_ids):
    table = numbers(len(item_ids))
    found_ids, found = read(to, write(vectors_of(item_ids, table), to))
    assert found_ids == item_ids
    assert same_bits(np.asarray(found), table)


@pytest.mark.parametrize("to", FORMATS.names())
def test_vectors_of_one_number(numbers, vectors_of, write, read, to):
    table = numbers(5, 1)
    found_ids, found = read(to, write(vectors_of(PLAIN[:5], table), to))
    assert found_ids == PLAIN[:5]
    assert same_bits(np.asarray(found), table)


@pytest.mark.parametrize("to", ANY)
def test_any_id_survives(numbers, vectors_of, write, read, to):
    table = numbers(len(AWKWARD))
    found_ids, found = read(to, write(vectors_of(AWKWARD, table), to))
    assert found_ids == AWKWARD
    assert same_bits(np.asarray(found), table)


@pytest.mark.parametrize("to", FORMATS.names())
def test_equal_vectors_give_equal_bytes(numbers, vectors_of, write, to):
    first, second = (write(vectors_of(PLAIN, numbers(13)), to, name).read_bytes() for name in "ab")
    assert first == second


@pytest.mark.parametrize("to", FORMATS.names())
def test_normalized_vectors_have_length_1_and_their_direction(numbers, vectors_of, write, read, to):
    table = numbers(13)
    _, found = read(to, write(vectors_of(PLAIN, table), to, normalize=True))
    lengths = np.linalg.norm(table.astype(np.float64), axis=1, keepdims=True)
    np.testing.assert_allclose(found, table / lengths, rtol=1e-6, atol=1e-30)


@pytest.mark.parametrize("to", FORMATS.names())
def test_a_zero_vector_has_no_direction(vectors_of, write, to):
    table = np.eye(4, 3, dtype=np.float32)
    with pytest.raises(GenairError, match=r"emb\.h5: vector of item 'd' is zero and has no direction"):
        write(vectors_of("abcd", table), to, normalize=True)


@pytest.mark.parametrize("item_id", ["a b", "a\tb", "a\n", "\r", "a\u2028b", "a\u00a0", " ", ""])
@pytest.mark.parametrize("to", ["word2vec", "word2vec-binary"])
def test_word2vec_refuses_ids_with_white_space(numbers, vectors_of, write, tmp_path, to, item_id):
    with pytest.raises(GenairError) as caught:
        write(vectors_of(["fine", item_id], numbers(2)), to)
    assert f"item id {item_id!r} is empty or has white space" in str(caught.value)
    assert "export to parquet or npy" in str(caught.value)
    assert (tmp_path / f"items.{to}").read_bytes() == b""


@pytest.mark.parametrize(
    ("item_id", "why"),
    [
        ("a\tb", "holds a tab or line end"),
        ("a\nb", "holds a tab or line end"),
        ("a\r", "holds a tab or line end"),
        ('"a"', "begins with a quote"),
        ("NA", "takes for a missing value"),
        ("None", "takes for a missing value"),
        ("", "takes for a missing value"),
        ("[PAD]", "own name for padding"),
    ],
)
def test_recbole_refuses_ids_that_it_would_misread(numbers, vectors_of, write, tmp_path, item_id, why):
    with pytest.raises(GenairError, match=why):
        write(vectors_of(["fine", item_id], numbers(2)), "recbole")
    assert (tmp_path / "items.recbole").read_bytes() == b""


@pytest.mark.parametrize("length", range(8))
def test_safetensors_begins_its_numbers_at_a_multiple_of_8(numbers, vectors_of, write, length):
    data = write(vectors_of(["x" * length], numbers(1)), "safetensors").read_bytes()
    assert int.from_bytes(data[:8], "little") % 8 == 0
    assert len(data) % 8 == 0


def test_safetensors_refuses_more_ids_than_its_header_holds(numbers, vectors_of, write, monkeypatch):
    monkeypatch.setattr("genair.export.safetensors_._MOST_HEADER", 1000)
    write(vectors_of(PLAIN, numbers(13)), "safetensors")
    with pytest.raises(GenairError, match="a safetensors header holds 1,000: export to parquet or npy"):
        write(vectors_of(["x" * 1000], numbers(1)), "safetensors", "more")
