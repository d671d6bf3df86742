"""Files that are damaged or of another kind: refused by name, with what is wrong with them."""

import h5py
import pytest

WITH_LOG = ["calibrate", "train", "eval"]


def input_of(command, files):
    return {"calibrate": files.vectors, "train": files.calibrated, "eval": files.model}[command]


def output_of(command, folder):
    return () if command == "eval" else ("-o", folder / "out.h5")


@pytest.mark.parametrize("command", WITH_LOG)
@pytest.mark.parametrize(
    ("damage", "status", "words"),
    [
        ("missing", 1, ["no such file"]),
        ("folder", 1, ["is a folder"]),
        ("empty", 3, ["not an HDF5 file"]),
        ("text", 3, ["not an HDF5 file"]),
        ("truncated", 3, ["cut off"]),
        ("foreign", 3, ["not one of genair's"]),
        ("kind", 3, ["expected genair-"]),
        ("version", 3, ["format version 99", "this genair reads 1"]),
        ("incomplete", 3, ["is incomplete"]),
    ],
)
def test_a_damaged_or_wrong_hdf5_file_is_refused(run, files, tmp_path, command, damage, status, words):
    good = input_of(command, files).read_bytes()
    bad = tmp_path / "bad.h5"
    if damage == "folder":
        bad.mkdir()
    elif damage == "kind":
        bad.write_bytes((files.vectors if command == "eval" else files.model).read_bytes())
    elif damage != "missing":
        content = {"empty": b"", "text": b"hello\n", "truncated": good[: len(good) // 2]}.get(damage, good)
        bad.write_bytes(content)
    if damage in ("foreign", "version", "incomplete"):
        with h5py.File(bad, "r+") as file:
            change = {"foreign": ("format", "other"), "version": ("format_version", 99)}
            name, value = change.get(damage, ("complete", False))
            file.attrs[name] = value
    result = run(command, bad, "-i", files.log, *output_of(command, tmp_path))
    result.fails(status, "bad.h5", *words)
    assert not (tmp_path / "out.h5").exists()


@pytest.mark.parametrize("content", [b"", b"not a model", b"GGUF\x03\x00\x00\x00 garbage"])
def test_a_corrupt_model_file_is_refused(run, files, tmp_path, content):
    model = tmp_path / "bad.gguf"
    model.write_bytes(content)
    result = run("archetype", files.items, "--model", model, "--workers", "1", "-o", tmp_path / "out")
    result.fails(3, "bad.gguf")
    assert not (tmp_path / "out").exists()


def test_info_refuses_what_is_not_ours(run, tmp_path):
    run("info", tmp_path / "no").fails(1, "no such file")
    (tmp_path / "empty").write_bytes(b"")
    run("info", tmp_path / "empty").fails(3, "empty")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = [1.0]
    run("info", tmp_path / "other.h5").fails(3, "not one of genair's")


def test_info_check_finds_a_flipped_byte(run, files, tmp_path):
    bad = tmp_path / "bad.h5"
    with h5py.File(files.vectors) as file:
        offset = file["vectors"].id.get_chunk_info(0).byte_offset
    content = bytearray(files.vectors.read_bytes())
    content[offset + 5] ^= 0x40
    bad.write_bytes(content)
    assert run("info", bad).status == 0
    run("info", bad, "--check").fails(3, "bad.h5", "/vectors is damaged")
    run("calibrate", bad, "-i", files.log, "-o", tmp_path / "out").fails(3, "/vectors is damaged")


def test_info_check_looks_at_the_ids_of_lines(run, files, tmp_path):
    for path in (files.items, files.archetypes, files.log):
        assert run("info", path, "--check").rows[0]["check"] == "ok"
    lines = tmp_path / "items.jsonl"
    lines.write_bytes(files.items.read_bytes() + files.items.read_bytes().split(b"\n")[0] + b"\n")
    run("info", lines, "--check").fails(3, "items.jsonl:41: duplicate item_id", "first on line 1")
    lines.write_bytes(b'{"item_id": 7}\n')
    run("info", lines, "--check").fails(3, "items.jsonl:1", "ids are strings")
