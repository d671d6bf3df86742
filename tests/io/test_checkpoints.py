"""The model file: weights, ids and settings, complete or refused."""

import h5py
import numpy as np
import pytest

from genair.errors import InputError
from genair.io.checkpoints import ModelFile, read_model, write_model
from genair.io.container import open_container
from genair.io.embeddings import EmbeddingTable, write_table
from genair.provenance import Step

IDS = ["007", "日本語-🎣", str(2**60)]
STEPS = [Step("train", {"dim": 2}, {"interactions": "cd"}, {"genair": "0.1.0"})]
WEIGHTS = {
    "items.id.weight": np.arange(8, dtype=np.float32).reshape(4, 2),
    "blocks.0.norm.bias": np.zeros(2, np.float32),
    "scale": np.asarray(0.5, np.float32),
    "mask": np.zeros((0, 2), np.float32),
}
MODEL = ModelFile({"backbone": "sasrec", "heads": 1, "name": "é"}, IDS, WEIGHTS, STEPS, {"ndcg": np.ones(3)})


@pytest.fixture
def path(tmp_path):
    write_model(tmp_path / "m.h5", MODEL)
    return tmp_path / "m.h5"


def test_a_model_survives_its_file(path):
    found = read_model(path, "m.h5")
    assert (found.config, found.item_ids, found.steps) == (MODEL.config, IDS, STEPS)
    assert found.weights.keys() == WEIGHTS.keys()
    for name, array in WEIGHTS.items():
        assert found.weights[name].dtype == array.dtype
        np.testing.assert_array_equal(found.weights[name], array)


def test_the_curves_of_the_run_are_kept(path):
    with open_container(path, "m.h5") as container:
        np.testing.assert_array_equal(container.read("training/ndcg"), np.ones(3))


def test_equal_models_give_equal_bytes(path, tmp_path):
    turned = ModelFile(
        dict(reversed(MODEL.config.items())), IDS, dict(reversed(WEIGHTS.items())), STEPS, MODEL.training
    )
    write_model(tmp_path / "n.h5", turned)
    assert (tmp_path / "n.h5").read_bytes() == path.read_bytes()


def _edit(path, change):
    with h5py.File(path, "r+") as file:
        change(file)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda file: file["weights/items.id.weight"].__setitem__((3, 1), np.nan),
            "weight items.id.weight is not",
        ),
        (lambda file: file["weights/scale"].__setitem__((), np.inf), "weight scale is not finite"),
        (lambda file: file.pop("weights"), "weights"),
        (lambda file: file.pop("item_ids"), "has no /item_ids"),
        (lambda file: file.pop("provenance"), "has no /provenance/steps"),
        (lambda file: file["item_ids"].__setitem__(0, "7"), "digest"),
        (lambda file: file.attrs.pop("config"), "config"),
        (lambda file: file.attrs.__setitem__("config", "{"), "config"),
        (lambda file: file.attrs.__setitem__("complete", False), "incomplete"),
        (lambda file: file.attrs.__setitem__("format_version", 2), "format version 2"),
    ],
)
def test_a_model_that_lacks_something_is_refused(path, change, message):
    _edit(path, change)
    with pytest.raises(InputError, match=rf"^m\.h5: .*{message}"):
        read_model(path, "m.h5")


def test_a_flipped_bit_in_a_weight_is_refused(path):
    data = bytearray(path.read_bytes())
    data[data.index(WEIGHTS["items.id.weight"].tobytes()) + 9] ^= 4
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"^m\.h5: /weights/items\.id\.weight is damaged"):
        read_model(path, "m.h5")


@pytest.mark.parametrize("left", [0, 500, -1])
def test_a_truncated_model_is_refused(path, left):
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(InputError, match=r"^m\.h5: not an HDF5 file, or cut off"):
        read_model(path, "m.h5")


def test_vectors_are_no_model(tmp_path):
    write_table(tmp_path / "a.h5", EmbeddingTable(IDS, np.ones((3, 2), np.float32), STEPS))
    with pytest.raises(InputError, match=r"^a\.h5: is a genair-embeddings file, expected genair-model$"):
        read_model(tmp_path / "a.h5", "a.h5")
