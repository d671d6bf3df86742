"""Which Hugging Face folder a name stands for."""

import sys
from pathlib import Path

import pytest

from genair.errors import GenairError, InputError, MissingExtraError, UsageError
from genair.llm.models import ModelFile, backend_spec, hub
from genair.llm.models.folders import converted_copy, find_folder, folder_digest

pytest.importorskip("transformers")

from genair.llm.transformers_ import conversion

FILES = {
    "config.json": b"{}",
    "model.safetensors": b"weights",
    "tokenizer.json": b"[]",
    "chat_template.jinja": b"t",
}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GENAIR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv("GENAIR_MODELS", raising=False)
    return tmp_path / "cache"


def make(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    return folder


def find(name: object, *, download: bool = False, told: list[str] | None = None):
    return find_folder(str(name), download=download, notify=[].append if told is None else told.append)


def test_a_folder_is_named_by_itself_and_digested_by_its_files(tmp_path):
    folder = make(tmp_path / "chat-1b")
    found = find(folder)
    assert (found.name, found.path, found.sha256) == ("chat-1b", folder, folder_digest(folder))
    assert len(found.sha256) == 64
    assert folder_digest(make(tmp_path / "elsewhere")) == found.sha256


@pytest.mark.parametrize("name", FILES)
def test_every_file_that_shapes_the_model_is_in_the_digest(tmp_path, name):
    whole, other = make(tmp_path / "a"), make(tmp_path / "b")
    (other / name).write_bytes(FILES[name] + b" ")
    assert folder_digest(whole) != folder_digest(other)


def test_what_does_not_shape_it_is_not(tmp_path):
    whole, other = make(tmp_path / "a"), make(tmp_path / "b")
    (other / "README.md").write_text("hello")
    assert folder_digest(whole) == folder_digest(other)


@pytest.mark.parametrize(
    ("lacking", "word"), [("config.json", "config.json"), ("model.safetensors", "safetensors")]
)
def test_a_folder_that_is_no_model_says_what_it_lacks(tmp_path, lacking, word):
    folder = make(tmp_path / "a")
    (folder / lacking).unlink()
    with pytest.raises(InputError, match=word) as caught:
        find(folder)
    assert caught.value.where == str(folder)


def test_a_hub_id_is_found_in_its_cache(tmp_path):
    made = make(tmp_path / "hub" / "models--org--chat" / "snapshots" / "abc")
    found = find("org/chat")
    assert (found.name, found.path) == ("org/chat", made)


def test_a_hub_id_is_fetched_only_when_that_was_asked_for(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(hub, "fetch_folder", lambda name: asked.append(name) or make(tmp_path / "fetched"))
    with pytest.raises(UsageError, match="--download"):
        find("org/chat")
    assert asked == []
    assert find("org/chat", download=True).path == tmp_path / "fetched"
    assert asked == ["org/chat"]


@pytest.mark.parametrize("name", ["no-such-model", ""])
def test_a_name_of_nothing_is_a_usage_error(name):
    with pytest.raises(UsageError, match="no model"):
        find(name)


def test_without_transformers_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'genair\[transformers\]'"):
        backend_spec("transformers", "any", 1)


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "tiny.gguf"
    path.write_bytes(b"GGUF rest")
    return ModelFile("tiny", path)


def test_a_gguf_is_converted_once(cache, model, monkeypatch):
    made, told = [], []

    def convert(source, folder):
        made.append(source)
        make(folder)

    monkeypatch.setattr(conversion, "convert", convert)
    first = find(model.path, told=told)
    assert find(model.path, told=told) == first
    assert (first.name, first.sha256) == ("tiny", model.sha256)
    assert first.path == cache / "models" / f"{model.sha256[:16]}-hf"
    assert (first.path / "model.safetensors").read_bytes() == b"weights"
    assert made == [model.path]
    assert told == [f"converting tiny for transformers once, kept in {first.path}"]


@pytest.mark.parametrize("error", [InputError("unknown architecture"), KeyboardInterrupt()])
def test_a_conversion_that_fails_leaves_nothing_behind(cache, model, monkeypatch, error):
    def half(_source, folder):
        make(folder)
        raise error

    monkeypatch.setattr(conversion, "convert", half)
    with pytest.raises(type(error)):
        converted_copy(model, print)
    assert [path.suffix for path in (cache / "models").iterdir()] == [".lock"]


def test_a_cache_that_cannot_be_written_says_what_to_set(model, monkeypatch):
    monkeypatch.setenv("GENAIR_CACHE", str(model.path))  # a file, not a folder
    with pytest.raises(GenairError, match="set GENAIR_CACHE"):
        converted_copy(model, [].append)


def test_a_gguf_in_parts_is_refused(tmp_path):
    parts = [tmp_path / f"big-0000{number}-of-00002.gguf" for number in (1, 2)]
    for part in parts:
        part.write_bytes(b"GGUF rest")
    with pytest.raises(InputError, match="no GGUF in several parts"):
        find(parts[0])
