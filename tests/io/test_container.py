"""HDF5 files: what goes in comes out, equal content gives equal bytes, and damage is said by name."""

import signal
import subprocess
import sys

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.errors import GenairError, InputError
from genair.io.container import create_container, ids_digest, open_container
from genair.provenance import Step

KIND = "genair-embeddings"
STRINGS = ["", "007", " 7 ", "日本語-🧔🏽‍♀️", "a\nb\u2028c", "x" * 200_000, "é", "e\u0301"]
STEPS = [Step("embed", {"dim": 3, "note": "é\x00"}, {"archetypes": "ab"}, {"genair": "0.1.0"})]
ARRAYS = {
    "floats": np.linspace(0, 1, 12, dtype=np.float32).reshape(4, 3),
    "wide": np.arange(2 * 300_000, dtype=np.float64).reshape(2, 300_000),
    "counts": np.arange(7, dtype=np.int64),
    "cube": np.arange(24, dtype=np.int32).reshape(2, 3, 4),
    "deep/er/scalar": np.asarray(0.25),
    "none": np.zeros((0, 5), dtype=np.float32),
    "bools": np.array([True, False]),
}
KILLED = """
import sys
from pathlib import Path
import numpy as np
from genair.io.container import create_container
with create_container(Path(sys.argv[1]), "genair-embeddings") as container:
    container.append("vectors", np.ones((1000, 64), dtype=np.float32))
    print("writing", flush=True)
    sys.stdin.read()
"""


def fill(path):
    with create_container(path, KIND) as container:
        for name, array in ARRAYS.items():
            container.write(name, array)
        container.write_strings("item_ids", STRINGS)
        container.write_strings("nothing", [])
        container.set_attributes(rows=len(STRINGS), name="日本")
        container.write_steps(STEPS)


@pytest.fixture
def path(tmp_path):
    fill(tmp_path / "a.h5")
    return tmp_path / "a.h5"


def refused(path, kind=None):
    """Return why a file is refused; the error must be an InputError that names it."""
    with pytest.raises(InputError) as caught, open_container(path, "a.h5", kind):
        pytest.fail("it opened")
    assert caught.value.where == "a.h5"
    assert "\n" not in caught.value.message
    return caught.value.message


def test_what_goes_in_comes_out(path):
    with open_container(path, "a.h5", KIND) as container:
        for name, array in ARRAYS.items():
            found = container.read(name)
            assert (found.dtype, found.shape) == (array.dtype, array.shape)
            np.testing.assert_array_equal(found, array)
        assert container.read_strings("item_ids") == STRINGS
        assert container.read_strings("nothing") == []
        assert container.steps == STEPS
        assert container.kind == KIND
        assert container.attributes() == {
            "format": KIND,
            "format_version": 1,
            "complete": True,
            "rows": len(STRINGS),
            "name": "日本",
        }


def test_paths_are_listed_in_order(path):
    with open_container(path, "a.h5") as container:
        assert container.names() == sorted([*ARRAYS, "item_ids", "nothing", "provenance/steps"])
        assert container.names("deep") == ["deep/er/scalar"]
        assert container.has("deep")
        assert not container.has("shallow")


def test_equal_content_gives_equal_bytes(path, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    fill(tmp_path / "elsewhere" / "other-name.h5")
    assert (tmp_path / "elsewhere" / "other-name.h5").read_bytes() == path.read_bytes()


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.integers(1, 5), st.booleans())
@settings(deadline=None, max_examples=25)
def test_appended_blocks_equal_one_write(tmp_path_factory, sizes, width, small_rows):
    rows = np.random.default_rng(width).normal(size=(sum(sizes), width if small_rows else 70_000))
    rows = rows[:9].astype(np.float32) if not small_rows else rows.astype(np.float32)
    path = tmp_path_factory.mktemp("append") / "a.h5"
    with create_container(path, KIND) as container:
        container.write("once", rows)
        for block in np.split(rows, np.cumsum(sizes)[:-1]):
            container.append("blocks", block)
        np.testing.assert_array_equal(container.read("blocks"), rows)
    with open_container(path, "a.h5") as container:
        np.testing.assert_array_equal(container.read("blocks"), container.read("once"))
    path.unlink()


def test_appending_in_blocks_gives_the_same_bytes_each_time(tmp_path):
    def fill_in_blocks(path):
        with create_container(path, KIND) as container:
            for start in range(0, 6000, 1000):
                container.append(
                    "a", np.arange(start, start + 1000, dtype=np.float32)[:, None] * np.ones(64, "f4")
                )
                container.append("b", np.full((1000, 3), start))
        return path.read_bytes()

    assert fill_in_blocks(tmp_path / "a.h5") == fill_in_blocks(tmp_path / "b.h5")


@pytest.mark.parametrize("left", [0, 1, 8, 100, 0.3, 0.9, -1])
def test_a_truncated_file_is_refused(path, left):
    data = path.read_bytes()
    path.write_bytes(data[: int(left * len(data)) if isinstance(left, float) else left])
    assert "not an HDF5 file, or cut off" in refused(path)


@pytest.mark.parametrize(
    "content", [b"", b'{"item_id": "1"}\n', b"\x89HDF\r\n\x1a\n", b"\x89HDF\r\n\x1a\n" * 500]
)
def test_what_is_no_hdf5_is_refused(path, content):
    path.write_bytes(content)
    assert "not an HDF5 file, or cut off" in refused(path)


def test_a_flipped_bit_in_an_array_is_an_error_and_not_a_wrong_number(path):
    data = bytearray(path.read_bytes())
    place = data.index(ARRAYS["floats"].tobytes())
    data[place + 5] ^= 1
    path.write_bytes(data)
    with open_container(path, "a.h5") as container:
        np.testing.assert_array_equal(container.read("counts"), ARRAYS["counts"])
        with pytest.raises(InputError, match=r"^a\.h5: /floats is damaged"):
            container.read("floats")


def test_a_flipped_bit_in_appended_rows_is_an_error(tmp_path):
    path = tmp_path / "a.h5"
    rows = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    with create_container(path, KIND) as container:
        container.append("vectors", rows[:20])
        container.append("vectors", rows[20:])
    data = bytearray(path.read_bytes())
    data[data.index(rows[21].tobytes())] ^= 128
    path.write_bytes(data)
    with open_container(path, "a.h5") as container, pytest.raises(InputError, match=r"^a\.h5: /vectors"):
        container.read("vectors")


def test_an_absent_array_is_named(path):
    with open_container(path, "a.h5") as container:
        for missing in ("vectors", "deep"):
            with pytest.raises(InputError, match=rf"^a\.h5: has no /{missing}$"):
                container.read(missing)
        with pytest.raises(InputError, match=r"^a\.h5: has no /names$"):
            container.read_strings("names")


def test_numbers_are_not_strings(path):
    with open_container(path, "a.h5") as container, pytest.raises(InputError, match=r"^a\.h5: /counts"):
        container.read_strings("counts")


def test_an_absent_group_is_named(path):
    with (
        open_container(path, "a.h5") as container,
        pytest.raises(InputError, match=r"^a\.h5: has no /weights$"),
    ):
        container.names("weights")


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"settings"', b'"zettings"'), (b'{"command"', b'x"command"'), (b'"dim": 3', b'"dim": 4')],
)
def test_damaged_provenance_is_an_input_error(path, old, new):
    data = path.read_bytes()
    assert data.count(old) == 1
    path.write_bytes(data.replace(old, new))
    with open_container(path, "a.h5") as container, pytest.raises(InputError, match=r"^a\.h5: "):
        _ = container.steps


def test_another_kind_is_refused_by_name(path):
    assert refused(path, "genair-model") == "is a genair-embeddings file, expected genair-model"


@pytest.mark.parametrize("version", [0, 2, 99])
def test_another_version_says_what_to_do(path, version):
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = version
    assert (
        refused(path) == f"has format version {version}, this genair reads 1: make it again or upgrade genair"
    )


@pytest.mark.parametrize("complete", [False, None])
def test_a_file_that_was_not_finished_is_refused(path, complete):
    with h5py.File(path, "r+") as file:
        del file.attrs["complete"]
        if complete is not None:
            file.attrs["complete"] = complete
    assert "is incomplete" in refused(path)


def test_a_block_that_raises_leaves_an_incomplete_file(tmp_path):
    path = tmp_path / "a.h5"

    def fail():
        with create_container(path, KIND) as container:
            container.write("vectors", np.ones((2, 2)))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert "is incomplete" in refused(path)


def test_what_a_killed_writer_left_is_refused(tmp_path):
    path = tmp_path / "a.h5"
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"writing\n"
        process.send_signal(signal.SIGKILL)
    refused(path)


@pytest.mark.parametrize("value", ["keras", 1, np.arange(3), b"genair-embeddings\xff"])
def test_hdf5_of_other_makers_is_refused(tmp_path, value):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["format"] = value
    assert refused(tmp_path / "a.h5") == "an HDF5 file, but not one of genair's"


def test_hdf5_without_attributes_is_refused(tmp_path):
    h5py.File(tmp_path / "a.h5", "w").close()
    assert refused(tmp_path / "a.h5") == "an HDF5 file, but not one of genair's"


def test_a_missing_file_and_a_folder_are_no_input_errors(tmp_path):
    with (
        pytest.raises(GenairError, match=r"^a\.h5: no such file$"),
        open_container(tmp_path / "a.h5", "a.h5"),
    ):
        pass
    with pytest.raises(GenairError, match=r"^folder: "), open_container(tmp_path, "folder"):
        pass


def test_ids_are_digested_in_order_and_with_their_borders():
    assert ids_digest([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    digests = [ids_digest(ids) for ids in (["ab", "c"], ["a", "bc"], ["c", "ab"], ["abc"], ["ab", "c", ""])]
    assert len(set(digests)) == len(digests)
