"""What a file says of itself, and whether it is whole."""

import h5py
import numpy as np
import pytest

from genair.errors import InputError
from genair.io.checkpoints import ModelFile, write_model
from genair.io.embeddings import EmbeddingTable, write_table
from genair.io.inspect import LineSummary, describe_container, is_container
from genair.provenance import Step

IDS = ["007", "日本語", "c"]
STEPS = [Step("embed", {"dim": 2, "views": ["context"]}, {"archetypes": "ab"}, {"genair": "0.1.0"})]
EXTRAS = {
    "views/context": np.arange(12, dtype=np.float32).reshape(3, 4),
    "diagnostics/before/auc": np.asarray(0.5),
    "diagnostics/after/auc": np.asarray(0.75),
    "diagnostics/after/spearman": np.asarray(np.nan),
}


@pytest.fixture
def path(tmp_path):
    write_table(tmp_path / "a.h5", EmbeddingTable(IDS, np.ones((3, 2), np.float32), STEPS, EXTRAS))
    return tmp_path / "a.h5"


def test_a_container_says_what_it_holds_and_who_made_it(path):
    found = describe_container(path, "a.h5", check=False)
    assert found["file"] == "a.h5"
    assert (found["format"], found["rows"], found["dim"], found["complete"]) == (
        "genair-embeddings",
        3,
        2,
        True,
    )
    assert found["datasets"]["vectors"] == "3 x 2 float32"
    assert found["datasets"]["item_ids"] == "3 string"
    assert found["datasets"]["diagnostics/after/auc"] == "scalar float64"
    assert found["diagnostics"]["before"] == {"auc": 0.5}
    assert found["diagnostics"]["after"] == {"auc": 0.75, "spearman": None}
    assert found["steps"] == [
        {
            "id": STEPS[0].id,
            "command": "embed",
            "settings": {"dim": 2, "views": ["context"]},
            "inputs": {"archetypes": "ab"},
            "versions": {"genair": "0.1.0"},
        }
    ]
    assert "check" not in found


def graph_of(tmp_path, indptr, steps, column=0):
    extras = {
        "association/indptr": np.asarray(indptr),
        "association/indices": np.full(indptr[-1], column),
        "association/scores": np.ones(indptr[-1]),
    }
    write_table(tmp_path / "g.h5", EmbeddingTable(IDS, np.ones((3, 2), np.float32), steps, extras))
    return describe_container(tmp_path / "g.h5", "g.h5", check=True)["association"]


@pytest.mark.parametrize(("settings", "score"), [({"graph": {"score": "ppmi"}}, "ppmi"), ({"dim": 2}, "log")])
def test_a_graph_is_summed_up(tmp_path, settings, score):
    found = graph_of(tmp_path, [0, 1, 2, 2], [*STEPS, Step("calibrate", settings, {}, {})])
    assert found == {"pairs": 1, "score": score, "mean_neighbours": 0.67, "items_without": 1}


def test_the_last_calibration_names_the_score(tmp_path):
    steps = [Step("calibrate", {"graph": {"score": score}}, {}, {}) for score in ("cosine", "jaccard")]
    assert graph_of(tmp_path, [0, 2, 4, 6], steps) == {
        "pairs": 3,
        "score": "jaccard",
        "mean_neighbours": 2.0,
        "items_without": 0,
    }


def test_applying_a_calibration_leaves_its_score(tmp_path):
    settings = ({"graph": {"score": "cosine"}}, {"apply": "calibrate-1"})
    steps = [Step("calibrate", one, {}, {}) for one in settings]
    assert graph_of(tmp_path, [0, 2, 4, 6], steps)["score"] == "cosine"


def test_without_a_graph_nothing_is_said_of_one(path):
    assert describe_container(path, "a.h5", check=False)["association"] == {}


def test_a_whole_file_passes_its_check(path, tmp_path):
    assert describe_container(path, "a.h5", check=True)["check"] == "ok"
    write_model(tmp_path / "m.h5", ModelFile({}, IDS, {"w": np.ones((4, 2))}, STEPS, {"loss": np.ones(2)}))
    assert describe_container(tmp_path / "m.h5", "m.h5", check=True)["check"] == "ok"


def _flip(path, needle, offset):
    data = bytearray(path.read_bytes())
    data[data.index(needle) + offset] ^= 1
    path.write_bytes(data)


def _edit(path, change):
    with h5py.File(path, "r+") as file:
        change(file)


def _resize(file, name, data):
    del file[name]
    file[name] = data


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: _flip(path, EXTRAS["views/context"].tobytes(), 7), "/views/context is damaged"),
        (lambda path: _flip(path, "日本語".encode(), 8), "item ids do not match|/item_ids is damaged"),
        (lambda path: _flip(path, b'"command"', 0), "steps"),
        (
            lambda path: _edit(path, lambda file: file["views/context"].__setitem__((2, 3), np.inf)),
            "not finite",
        ),
        (lambda path: _edit(path, lambda file: file["item_ids"].__setitem__(0, "c")), "unique"),
        (lambda path: _edit(path, lambda file: file["item_ids"].__setitem__(0, "7")), "digest"),
        (lambda path: _edit(path, lambda file: file.pop("item_ids")), "has no /item_ids"),
        (lambda path: _edit(path, lambda f: _resize(f, "vectors", np.ones((2, 2)))), "number of vectors"),
        (lambda path: _edit(path, lambda f: _resize(f, "views/context", np.ones((2, 2)))), "views/context"),
    ],
)
def test_the_check_finds_any_damage(path, damage, message):
    damage(path)
    with pytest.raises(InputError, match=rf"^a\.h5: .*({message})"):
        describe_container(path, "a.h5", check=True)


@pytest.mark.parametrize("left", [0, 8, 900])
def test_a_truncated_file_is_refused_even_without_a_check(path, left):
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(InputError, match=r"^a\.h5: not an HDF5 file, or cut off"):
        describe_container(path, "a.h5", check=False)


def test_hdf5_is_known_by_its_first_bytes(path, tmp_path):
    assert is_container(path)
    for content in (b"", b'{"item_id": "1"}\n', b"\x89HDF"):
        (tmp_path / "other").write_bytes(content)
        assert not is_container(tmp_path / "other")


def summary(*rows):
    lines = LineSummary()
    for row in rows:
        lines.add(row)
    return lines.result("a.jsonl")


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"item_id": "1", "title": "Rod"}, "items"),
        ({"item_id": "1", "prompt": "?", "archetype": "!"}, "archetypes"),
        ({"user_id": "u", "item_id": "1", "timestamp": 1}, "interactions"),
        ({"metric": "ndcg@10", "value": 0.1}, "metrics"),
        ({"name": "x"}, "JSON lines"),
    ],
)
def test_lines_are_known_by_their_fields(row, kind):
    assert summary(row, row)["format"] == kind


def test_a_field_that_some_lines_lack_decides_nothing():
    found = summary({"item_id": "1", "archetype": "!"}, {"item_id": "2"})
    assert (found["format"], found["rows"]) == ("items", 2)
    assert found["fields"] == {"item_id": 2, "archetype": 1}


def test_every_maker_is_listed_once():
    made = {"id": "archetype-1", "model": {"name": "echo"}}
    found = summary({"item_id": "1", "_pg": made}, {"item_id": "2", "_pg": made}, {"item_id": "3", "_pg": 5})
    assert [step["id"] for step in found["steps"]] == ["archetype-1"]


def test_no_line_at_all_is_an_error():
    with pytest.raises(InputError, match=r"^a\.jsonl: the file is empty$"):
        summary()


@pytest.mark.parametrize(("indptr", "column"), [([0, 1, 2, 3], 3), ([0, 2, 1, 2], 0), ([0, 1, 2], 0)])
def test_the_check_finds_a_graph_of_other_items(tmp_path, indptr, column):
    with pytest.raises(InputError, match=r"^g\.h5: is damaged: association is no graph of its items"):
        graph_of(tmp_path, indptr, STEPS, column)
