"""Rules on files of vectors and models."""

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest
import torch

from genair.check import stage
from genair.config import TrainConfig
from genair.io.checkpoints import ModelFile, write_model
from genair.io.embeddings import EmbeddingTable, write_table
from genair.models.base import build_recommender, weights_of
from genair.provenance import add_step

IDS = [f"i{n}" for n in range(8)]
VECTORS = np.random.default_rng(0).normal(size=(8, 6)).astype(np.float32)


@pytest.fixture(scope="module")
def log(world):
    return world.log(world.items, world.events)


@pytest.fixture
def steps(log):
    embedded = add_step([], "embed", {"dim": 6}, {})
    return add_step(embedded, "calibrate", {"gamma": 4}, {"interactions": log.sha256})


@pytest.fixture
def table(steps):
    return EmbeddingTable(IDS, VECTORS, steps, {"diagnostics/before/effective_rank": np.asarray(5.0)})


@pytest.fixture
def found(log, tmp_path):
    """Return what is found of tables and models, by file and code."""

    def check(*contents):
        files = []
        for number, content in enumerate(contents):
            path = tmp_path / f"{number}.h5"
            if isinstance(content, EmbeddingTable):
                write_table(path, content)
            elif isinstance(content, ModelFile):
                write_model(path, content)
            else:
                path.write_bytes(content)
            files.append((path, path.name))
        every = list(stage.of_files(files, log, 3))
        return {(one.places.first[0].where.split(":")[0], one.code): one for one in every}

    return check


@pytest.fixture
def model(table, log):
    steps = add_step(table.steps, "train", {"items": "text"}, {"interactions": log.sha256})
    config = TrainConfig(items="text", dim=8)
    weights = weights_of(build_recommender(config, len(IDS), torch.from_numpy(VECTORS)))
    return ModelFile(config.settings(), IDS, weights, steps, {"gradient_ratio": np.asarray([np.nan, 0.1])})


def changed(row, value):
    vectors = VECTORS.copy()
    vectors[row] = value
    return vectors


def test_good_files_have_nothing(found, table, model):
    assert found(table, model, replace(table, extras={})) == {}


@pytest.mark.parametrize(
    ("vectors", "code", "level", "words"),
    [
        (changed(3, np.nan), "not-finite", "error", "vector of item 'i3' is not finite"),
        (changed((3, 1), np.inf), "not-finite", "error", "vector of item 'i3' is not finite"),
        (changed(3, 0), "zero-vector", "error", "vector of item 'i3' is zero"),
        (np.ones((8, 6), np.float32), "no-difference", "error", "do not differ"),
        (
            np.outer(np.arange(1, 9), np.ones(6)).astype(np.float32),
            "collapsed",
            "error",
            "rank 1.0, less than 1.7",
        ),
        (changed(3, VECTORS[1]), "equal-vectors", "warning", "'i3' is that of 'i1'"),
    ],
)
def test_vectors_that_are_no_space(found, table, vectors, code, level, words):
    every = found(replace(table, vectors=vectors))
    assert {code for _, code in every} == {code}
    one = every["0.h5", code]
    assert (one.level, one.places.count) == (level, 1)
    assert words in one.places.first[0].message


def test_a_space_that_was_not_calibrated_is_collapsed_below_two_directions(found, table):
    line = np.outer(np.arange(1, 9), np.ones(6)).astype(np.float32)
    assert ("0.h5", "collapsed") in found(replace(table, vectors=line, extras={}))


def test_each_thing_that_is_damaged_is_named(found, table, tmp_path):
    extras = {"views/context": np.full((8, 2), np.nan), "reducer/context/mean": np.full(4, np.nan)}
    one = found(replace(table, extras=extras))["0.h5", "damaged-file"]
    assert [place.message for place in one.places.first] == [
        "/reducer/context/mean holds numbers that are not finite",
        "/views/context holds numbers that are not finite",
    ]


def test_bytes_that_flipped_and_ids_that_were_changed_are_damage(found, table, tmp_path):
    found(table)
    good = tmp_path / "0.h5"
    with h5py.File(good) as file:
        offset = file["vectors"].id.get_chunk_info(0).byte_offset
    flipped = bytearray(good.read_bytes())
    flipped[offset] ^= 1
    assert "/vectors is damaged" in found(bytes(flipped))["0.h5", "damaged-file"].places.first[0].message
    write_table(good, table)
    with h5py.File(good, "r+") as file:
        file["item_ids"][2] = "i1"
    assert "not unique" in found(good.read_bytes())["0.h5", "damaged-file"].places.first[0].message


@pytest.mark.parametrize(
    ("attribute", "value", "words"),
    [
        ("format", "other", "not one of genair's"),
        ("format", "genair-checkpoint", "give vectors or a model"),
        ("format_version", 99, "format version 99"),
        ("complete", False, "is incomplete"),
    ],
)
def test_files_of_another_kind_or_time(found, table, tmp_path, attribute, value, words):
    found(table)
    with h5py.File(tmp_path / "0.h5", "r+") as file:
        file.attrs[attribute] = value
    every = found((tmp_path / "0.h5").read_bytes())
    assert words in every["0.h5", "unreadable-file"].places.first[0].message


def test_what_is_no_hdf5_does_not_keep_the_next_file_from_being_checked(found, table):
    every = found(b"text", replace(table, vectors=changed(3, 0)))
    assert set(every) == {("0.h5", "unreadable-file"), ("1.h5", "zero-vector")}


def test_files_of_another_catalogue(found, table, world):
    fewer = replace(table, item_ids=IDS[1:], vectors=VECTORS[1:])
    one = found(fewer)["log.jsonl", "no-row"]
    assert one.places.first[0] == type(one.places.first[0])(
        "log.jsonl:1", "item 'i0' has events, but no row in 0.h5"
    )
    more = replace(table, item_ids=[*IDS, "z"], vectors=np.concatenate([VECTORS, VECTORS[:1] + 1]))
    one = found(more)["0.h5", "foreign-row"]
    assert (one.level, one.places.first[0].where) == ("warning", "0.h5:/item_ids[8]")


def test_items_that_nobody_had_may_lack_a_row_and_that_is_told(tmp_path, table, world):
    log = world.log([*world.items, world.item("new")], world.events)
    write_table(tmp_path / "0.h5", table)
    (one,) = stage.of_files([(tmp_path / "0.h5", "0.h5")], log, 3)
    assert (one.code, one.level, one.places.first[0].where) == ("left-out-item", "warning", "items.jsonl:9")


def test_a_model_is_held_against_the_log_and_the_vectors(found, table, model):
    other_log = replace(model, steps=add_step(table.steps, "train", {}, {"interactions": "ab"}))
    one = found(other_log)["0.h5", "other-log"]
    assert [place.message for place in one.places.first] == [
        "was trained on another log: it may have learned from events that are to be predicted"
    ]
    other = replace(table, steps=add_step([], "embed", {"dim": 7}, {}))
    assert "none of the files" in found(model, other)["0.h5", "other-vectors"].places.first[0].message
    assert found(model, other, table) == {}, "one of the files is enough"
    assert found(model) == {}, "without vectors there is nothing to compare with"


def test_a_model_with_weights_that_are_no_numbers_is_damaged(found, model):
    broken = replace(model, weights={**model.weights, "bias": np.full(3, np.nan)})
    assert "/weights/bias" in found(broken)["0.h5", "damaged-file"].places.first[0].message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"config": {"backbone": "nope"}}, "cannot be rebuilt: unknown backbone"),
        ({"config": {"dim": 16, "items": "text"}}, "weights do not fit its backbone"),
        ({"item_ids": [*IDS, "one more"]}, "is damaged"),
    ],
)
def test_a_model_that_no_stage_could_use_is_damaged(found, model, change, words):
    (place,) = found(replace(model, **change))["0.h5", "damaged-file"].places.first
    assert words in place.message


def test_a_graph_that_is_none_is_damage(found, table):
    graph = {"indptr": np.asarray([0, 1]), "indices": np.asarray([99]), "scores": np.ones(1)}
    extras = {f"association/{name}": value for name, value in graph.items()}
    (place,) = found(replace(table, extras=extras))["0.h5", "damaged-file"].places.first
    assert "association is no graph of its items" in place.message


def test_a_model_whose_settings_are_no_json_is_damaged(found, model, tmp_path):
    found(model)
    with h5py.File(tmp_path / "0.h5", "r+") as file:
        file.attrs["config"] = json.dumps(1)[:0] + "{"
    assert "config" in found((tmp_path / "0.h5").read_bytes())["0.h5", "damaged-file"].places.first[0].message
