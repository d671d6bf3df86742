"""Fast copies: who gets one, in which format, and that they are whole, whatever was killed or ran beside."""

import importlib.util
import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from genair.config import DEFAULT_MODEL
from genair.errors import GenairError, InputError
from genair.llm.facts import ModelFacts
from genair.llm.models import ModelFile, find_model, prepared, shelf
from genair.llm.models.aside import CrashedError
from genair.llm.models.checks import check_copies, check_named
from genair.llm.models.prepared import Running, fastest, prepared_copy, reason_as_is
from genair.llm.models.shelf import Shelf, labels, shelves_of

FACTS = ModelFacts("llama", 1000, "Q4_1", 600, 512, 8, 2, 1, 16, 300, True, "")
RATES = {"f16": 100.0, "bf16": 70.0, "q8_0": 90.0}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GENAIR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "cache"


@pytest.fixture
def model(tmp_path):
    (tmp_path / "tiny.gguf").write_bytes(b"GGUF, and weights")
    return ModelFile("tiny", tmp_path / "tiny.gguf")


class Other:
    """Stands for the other process: writes copies, and has rates for them."""

    def __init__(self) -> None:
        self.rates = RATES
        self.made: list[str] = []
        self.measured = 0
        self.parameters = FACTS.parameters

    def __call__(self, function: str, *arguments, **_options):
        if function.endswith(":measure"):
            assert all(Path(path).is_file() for path in arguments[0].values())
            self.measured += 1
            return self.rates
        assert function.endswith(":requantize")
        source, target, ftype = arguments
        Path(target).write_bytes(f"copy {ftype} of ".encode() + Path(source).read_bytes())
        self.made.append(Path(target).stem)
        return {"parameters": self.parameters}


@pytest.fixture
def other(monkeypatch):
    made = Other()
    monkeypatch.setattr(prepared, "aside", made)
    return made


def quietly(_line: str) -> None:
    pass


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, ""),
        ({"quantization": "Q5_0"}, ""),
        ({"quantization": "Q5_1", "parameters": (1 << 29)}, ""),
        ({"parameters": (1 << 29) + 1}, "would exceed 1 GiB"),
        ({"quantization": "Q4_K_M"}, "Q4_K_M is fast as it is"),
        ({"quantization": "F16"}, "F16 is fast as it is"),
        ({"quantization": "unknown"}, "unknown is fast"),
        ({"template": False}, "no chat template"),
    ],
)
def test_small_models_in_slow_formats_get_a_copy(model, other, change, reason):
    facts = replace(FACTS, **change)
    assert reason in reason_as_is(facts)
    running = prepared_copy(model, facts, quietly) if reason else None
    assert running in (None, Running(model.path, "as is"))
    assert not other.made


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        (RATES, "f16"),
        ({**RATES, "bf16": 105.0}, "f16"),
        ({**RATES, "bf16": 105.1}, "bf16"),
        ({**RATES, "bf16": 105.1, "q8_0": 120.0}, "q8_0"),
    ],
)
def test_f16_stays_unless_another_format_is_clearly_faster(rates, expected):
    assert fastest(rates) == expected


def test_the_fastest_is_made_once_kept_and_told(model, other, cache):
    other.rates = {**RATES, "q8_0": 150.0}
    said: list[str] = []
    first = prepared_copy(model, FACTS, said.append)
    assert first == Running(cache / "models" / f"{model.sha256[:16]}-q8_0.gguf", "q8_0", other.rates)
    assert first.path.read_bytes() == b"copy 7 of " + model.path.read_bytes()
    assert [line.startswith(("preparing tiny once: Q4_1", "tiny runs as q8_0")) for line in said] == [
        True
    ] * 2
    assert prepared_copy(model, FACTS, said.append) == first
    assert (len(said), other.measured, other.made) == (2, 1, ["f16", "bf16", "q8_0"])
    names = {path.name.removeprefix(model.sha256[:16]) for path in (cache / "models").iterdir()}
    assert {"-q8_0.gguf", "-q8_0.json", ".lock"} == {name for name in names if "-on-" not in name}


def test_another_kind_of_machine_tries_again_and_uses_what_is_there(model, other, monkeypatch):
    prepared_copy(model, FACTS, quietly)
    monkeypatch.setattr(shelf, "processor", lambda: "another one")
    other.made.clear()
    assert prepared_copy(model, FACTS, quietly).runs == "f16"
    assert (other.measured, other.made) == (2, ["bf16", "q8_0"])


@pytest.mark.parametrize("harm", ["gone", "short", "unlabelled", "mislabelled"])
def test_a_copy_that_was_harmed_is_made_again_without_trying(model, other, harm):
    path = prepared_copy(model, FACTS, quietly).path
    whole, label = path.read_bytes(), path.with_suffix(".json")
    match harm:
        case "gone":
            path.unlink()
        case "short":
            path.write_bytes(whole[:-1])
        case "unlabelled":
            label.unlink()
        case "mislabelled":
            label.write_text('{"size": 5')
    other.made.clear()
    assert prepared_copy(model, FACTS, quietly).path.read_bytes() == whole
    assert (other.measured, other.made) == (1, ["f16"])


def test_what_a_killed_process_left_is_cleared_away(model, other, cache):
    scratch = cache / "models" / f"{model.sha256[:16]}.partial-x"
    scratch.mkdir(parents=True)
    (scratch / "f16.gguf").write_bytes(b"half")
    assert prepared_copy(model, FACTS, quietly).path.read_bytes().startswith(b"copy 1")
    assert not scratch.exists()


def test_a_copy_that_fails_leaves_nothing_behind(model, monkeypatch, cache):
    def dies(function, *arguments, **_options):
        Path(arguments[1]).write_bytes(b"half")
        raise CrashedError("SIGABRT: ggml.c:1: no")

    monkeypatch.setattr(prepared, "aside", dies)
    with pytest.raises(
        InputError, match=r"llama.cpp crashes when it rewrites this model \(SIGABRT"
    ) as caught:
        prepared_copy(model, FACTS, quietly)
    assert caught.value.where == str(model.path)
    assert [path.suffix for path in (cache / "models").iterdir()] == [".lock"]


def test_a_copy_that_lacks_weights_is_not_used(model, other):
    other.parameters -= 1
    with pytest.raises(GenairError, match="lacks weights"):
        prepared_copy(model, FACTS, quietly)


def test_a_disk_that_is_too_small_is_told_before(model, other, monkeypatch):
    monkeypatch.setattr(prepared.shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    with pytest.raises(
        GenairError, match=r"a fast copy needs 0 MiB, 0 are free: make room, or set GENAIR_CACHE"
    ):
        prepared_copy(model, FACTS, quietly)
    assert not other.made


def test_a_cache_that_cannot_be_written_says_what_to_set(tmp_path, model, other, monkeypatch):
    monkeypatch.setenv("GENAIR_CACHE", str(model.path))  # a file, not a folder
    with pytest.raises(GenairError, match="set GENAIR_CACHE") as caught:
        prepared_copy(model, FACTS, quietly)
    assert caught.value.where == str(model.path / "models")


def test_copies_are_verified_and_removed(model, other, cache, monkeypatch):
    monkeypatch.setattr("genair.llm.models.checks.facts_of", lambda *_, **__: FACTS)
    path = prepared_copy(model, FACTS, quietly).path
    assert [(verdict.against, verdict.problem) for verdict in check_copies()] == [("label", "")]
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    (verdict,) = check_copies(model.sha256)
    assert (verdict.name, verdict.path) == ("tiny (f16)", path)
    assert verdict.problem.startswith("damaged: its SHA-256 is ")
    assert list(check_copies("0" * 64)) == []
    model.path.unlink()
    (found,) = shelves_of("tiny")
    assert found.clear() > 0
    assert [left.suffix for left in (cache / "models").iterdir()] == [".lock"]
    assert (list(labels()), shelves_of("tiny"), Shelf(model.path.name).clear()) == ([], [], 0)


def test_a_model_that_was_replaced_has_a_shelf_beside_the_new_one_s(model, other, cache):
    first = prepared_copy(model, FACTS, quietly).path
    model.path.write_bytes(model.path.read_bytes() + b"!")
    second = prepared_copy(find_model(str(model.path)), FACTS, quietly).path
    assert first != second
    assert [shelf.clear() > 0 for shelf in shelves_of("tiny")] == [True, True]
    assert [path.exists() for path in (first, second)] == [False, False]


needs_llama_cpp = pytest.mark.skipif(importlib.util.find_spec("llama_cpp") is None, reason="needs llama.cpp")


@pytest.mark.llm
@needs_llama_cpp
def test_two_processes_at_once_after_a_killed_one_make_one_whole_copy(cache):
    code = f"""
import json
from genair.llm.models import backend_spec
said = []
spec = backend_spec("llamacpp", {DEFAULT_MODEL!r}, 2, notify=said.append)
print(json.dumps([spec.model, spec.runs, len(said)]))
"""
    with subprocess.Popen([sys.executable, "-c", code]) as killed:
        while not list((cache / "models").glob("*.partial-*/*")):
            assert killed.poll() is None
            time.sleep(0.01)
        killed.kill()
    started = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(2)]
    one, two = (json.loads(process.communicate()[0]) for process in started)
    assert one[:2] == two[:2]
    assert sorted([one[2], two[2]]) == [0, 2]
    ((path, label),) = labels()
    assert str(path) == one[0]
    assert (label.runs, label.model, label.model_sha256) == (
        one[1],
        DEFAULT_MODEL,
        find_model(DEFAULT_MODEL).sha256,
    )
    assert [verdict.problem for verdict in check_named(DEFAULT_MODEL)] == ["", ""]
    choice = Shelf(label.model_sha256).choice()
    assert choice is not None
    assert choice.runs == fastest(choice.rates)
    assert set(choice.rates) == {"f16", "bf16", "q8_0"}
    assert sorted(file.suffix for file in (cache / "models").iterdir()) == [
        ".gguf",
        ".json",
        ".json",
        ".lock",
    ]
