"""Which Hugging Face folder a name stands for."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from genair.errors import GenairError, InputError, MissingExtraError, UsageError
from genair.llm.models import ModelFile, backend_spec, hub
from genair.llm.models.checks import check_copies
from genair.llm.models.folders import converted_copy, find_folder, folder_digest
from genair.llm.models.shelf import FOLDER, Shelf, labels, shelves_of

pytest.importorskip("transformers")

from genair.llm.transformers_ import conversion

HEADER = json.dumps({"w": {"dtype": "F16", "shape": [4], "data_offsets": [0, 8]}}).encode()
WEIGHTS = len(HEADER).to_bytes(8, "little") + HEADER + b"8 bytes."
FILES = {
    "config.json": b"{}",
    "model.safetensors": WEIGHTS,
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


@pytest.fixture
def made(monkeypatch):
    """Conversions at no cost; the list of what was converted."""
    sources = []

    def convert(source, folder):
        sources.append(source)
        make(folder)

    monkeypatch.setattr(conversion, "convert", convert)
    return sources


def test_a_gguf_is_converted_once(cache, model, made):
    told: list[str] = []
    first = find(model.path, told=told)
    assert find(model.path, told=told) == first
    assert (first.name, first.sha256) == ("tiny", model.sha256)
    assert first.path == cache / "models" / f"{model.sha256[:16]}-hf"
    assert (first.path / "model.safetensors").read_bytes() == WEIGHTS
    assert made == [model.path]
    assert told == [f"converting tiny for transformers once, kept in {first.path}"]


def unlabel(folder):
    folder.with_suffix(".json").unlink()


HARM = {
    "gone": shutil.rmtree,
    "a file gone": lambda folder: (folder / "config.json").unlink(),
    "a file short": lambda folder: (folder / "model.safetensors").write_bytes(WEIGHTS[:-1]),
    "unlabelled": unlabel,
    "mislabelled": lambda folder: folder.with_suffix(".json").write_text('{"size": 5'),
}


@pytest.mark.parametrize("harm", HARM.values(), ids=list(HARM))
def test_a_converted_folder_that_was_harmed_is_made_again(model, made, harm):
    folder = converted_copy(model, [].append)
    harm(folder)
    assert converted_copy(model, [].append) == folder
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == FILES
    assert len(made) == 2
    assert [verdict.problem for verdict in check_copies(model.sha256)] == [""]


@pytest.mark.parametrize("name", FILES)
def test_a_converted_folder_is_verified_removed_and_made_again(cache, model, made, name):
    folder = converted_copy(model, [].append)
    (fine,) = check_copies()
    assert (fine.name, fine.path, fine.against, fine.problem) == ("tiny (hf)", folder, "label", "")
    flipped = bytearray((folder / name).read_bytes())
    flipped[-1] ^= 1
    (folder / name).write_bytes(flipped)
    assert converted_copy(model, [].append) == folder  # its size says nothing
    (harmed,) = check_copies(model.sha256)
    assert harmed.problem == f"damaged: its SHA-256 is {harmed.sha256}, and was {fine.sha256}"
    assert list(check_copies("0" * 64)) == []
    assert len(shelves_of("tiny")) == 1
    assert Shelf(model.sha256).clear() > len(WEIGHTS)
    assert ([path.suffix for path in (cache / "models").iterdir()], list(labels())) == ([".lock"], [])
    converted_copy(model, [].append)
    assert list(check_copies()) == [fine]


def test_what_was_damaged_before_it_was_labelled_is_found_too(model, monkeypatch):
    def convert(_source, folder):
        make(folder)
        (folder / "model.safetensors").write_bytes(WEIGHTS[:-1])

    monkeypatch.setattr(conversion, "convert", convert)
    converted_copy(model, [].append)
    (verdict,) = check_copies()
    assert verdict.problem.endswith("damaged: the file ends before its weights do")


def test_a_folder_without_a_label_counts_for_nothing(model, made):
    make(Shelf(model.sha256).path(FOLDER))  # as it was kept before there were labels
    assert list(check_copies()) == []
    converted_copy(model, [].append)
    assert made == [model.path]


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
