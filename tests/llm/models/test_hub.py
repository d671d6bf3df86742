"""The Hugging Face cache as it lies on the disk, and downloads from a hub on the loopback."""

import hashlib
import json
import os
import sys
from pathlib import Path

import pytest

from genair.errors import InputError, MissingExtraError, UsageError
from genair.llm.models import find_model, hub
from genair.llm.models.catalogue import catalogue, folder_models
from genair.llm.models.checks import check_folder
from genair.llm.models.configs import folder_facts
from genair.llm.models.parts import is_first_part, part_names, stem_of

GGUF = b"GGUF\x03\x00\x00\x00 and the rest"
CONFIG = {
    "model_type": "llama",
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "vocab_size": 32,
}
CARD = "---\nlanguage:\n- en\nlicense: apache-2.0\ntags: [x]\n---\nlicense: none\n"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty hub cache, and nothing else that could be listed."""
    monkeypatch.setenv("GENAIR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv("GENAIR_MODELS", raising=False)
    return tmp_path / "hub"


def weights(**shapes: tuple[int, ...]) -> bytes:
    """A safetensors file of zeros."""
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in shapes.items():
        size = 2 * shape[0] * shape[1]
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(end)


def put(cache: Path, repo: str, files: dict[str, bytes], revision: str = "abc", *, main: bool = True) -> Path:
    """Lay files into the cache as the Hub's library does: blobs, and links to them."""
    top = cache / f"models--{repo.replace('/', '--')}"
    for name, content in files.items():
        blob = top / "blobs" / hashlib.sha256(content).hexdigest()
        link = top / "snapshots" / revision / name
        blob.parent.mkdir(parents=True, exist_ok=True)
        link.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(content)
        link.symlink_to(blob)
    if main:
        (top / "refs").mkdir(exist_ok=True)
        (top / "refs" / "main").write_text(revision)
    return top / "snapshots" / revision


def model_files(**more: bytes) -> dict[str, bytes]:
    return {
        "config.json": json.dumps(CONFIG).encode(),
        "model.safetensors": weights(a=(4, 8), b=(2, 8)),
        **more,
    }


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"HF_HUB_CACHE": "/a", "HF_HOME": "/b"}, "/a"),
        ({"HUGGINGFACE_HUB_CACHE": "/a", "HF_HOME": "/b"}, "/a"),
        ({"HF_HOME": "/b", "XDG_CACHE_HOME": "/c"}, "/b/hub"),
        ({"XDG_CACHE_HOME": "/c"}, "/c/huggingface/hub"),
        ({"HF_HOME": "~/b"}, "/home/me/b/hub"),
        ({"HF_HUB_CACHE": "~nobody-of-this-name"}, "~nobody-of-this-name"),
        ({}, "/home/me/.cache/huggingface/hub"),
    ],
)
def test_the_cache_is_where_the_hubs_library_has_it(monkeypatch, variables, expected):
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/me")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert hub.hub_folder() == Path(expected)


def test_a_repository_is_its_main_revision_else_the_newest(cache):
    put(cache, "org/one", {"x": b"1"}, "old")
    main = put(cache, "org/one", {"x": b"2"}, "new")
    late = put(cache, "org/two", {"x": b"2"}, "late", main=False)
    os.utime(put(cache, "org/two", {"x": b"1"}, "early", main=False), (1, 1))
    (cache / "models--org--empty").mkdir()
    (cache / "datasets--org--one").mkdir()
    assert list(hub.snapshots()) == [("org/one", main), ("org/two", late)]
    assert hub.snapshot_of("org/three") is None


def test_a_gguf_in_the_cache_is_found_by_the_hubs_names(cache):
    folder = put(cache, "org/tiny-GGUF", {"tiny.gguf": GGUF})
    for name in ("org/tiny-GGUF", "org/tiny-GGUF/tiny.gguf"):
        found = find_model(name)
        assert (found.name, found.path) == ("org/tiny-GGUF/tiny.gguf", folder / "tiny.gguf")
    put(cache, "org/tiny-GGUF", {"sub/more.gguf": GGUF + b"!"})
    assert find_model("org/tiny-GGUF/sub/more.gguf").path == folder / "sub" / "more.gguf"
    with pytest.raises(
        UsageError, match=r"several GGUF files: name org/tiny-GGUF/sub/more.gguf, or org/tiny-GGUF/t"
    ):
        find_model("org/tiny-GGUF")


@pytest.mark.parametrize("name", ["org/absent", "org/absent/file.gguf", "org/tiny/other.gguf"])
def test_what_is_not_in_the_cache_is_not_downloaded_unasked(cache, name, monkeypatch):
    put(cache, "org/tiny", {"tiny.gguf": GGUF})
    monkeypatch.setattr(hub, "_client", lambda: pytest.fail("downloads"))
    with pytest.raises(UsageError, match=f"^no model '{name}' here: add --download to fetch it"):
        find_model(name)


def test_downloading_needs_the_hubs_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'genair\[hub\]'"):
        find_model("org/absent", download=True)


def test_a_repository_for_transformers_names_that_backend(cache):
    put(cache, "org/full", model_files())
    with pytest.raises(UsageError, match="org/full has no GGUF file: try --backend transformers"):
        find_model("org/full")


def test_names_of_parts():
    parts = ["a-00001-of-00002.gguf", "a-00002-of-00002.gguf"]
    assert part_names(parts[0]) == part_names(parts[1]) == parts
    assert [is_first_part(part) for part in parts] == [True, False]
    assert part_names("a.gguf") == ["a.gguf"]
    assert part_names("a-00001-of-00000.gguf") == ["a-00001-of-00000.gguf"]
    assert [stem_of(name) for name in ("a.gguf", parts[1], "a")] == ["a", "a", "a"]


def test_one_of_several_files_is_chosen_with_its_parts():
    there = ["README.md", "q4.gguf", "q8-00002-of-00002.gguf", "q8-00001-of-00002.gguf"]
    assert hub.choose_gguf("o/r", "q8-00002-of-00002.gguf", there) == "q8-00001-of-00002.gguf"
    assert hub.choose_gguf("o/r", "", there[:2]) == "q4.gguf"
    with pytest.raises(UsageError, match=r"^o/r has no GGUF file q5\.gguf$"):
        hub.choose_gguf("o/r", "q5.gguf", there)
    with pytest.raises(UsageError, match=r"^o/r has no GGUF file$"):
        hub.choose_gguf("o/r", "", ["README.md"])


def test_the_facts_of_a_folder_need_no_library(cache):
    folder = put(
        cache, "org/full", model_files(**{"README.md": CARD.encode(), "chat_template.jinja": b"{{ x }}"})
    )
    facts = folder_facts(folder)
    assert (facts.architecture, facts.parameters, facts.quantization, facts.size) == (
        "llama",
        48,
        "BF16",
        len(weights(a=(4, 8), b=(2, 8))),
    )
    assert (facts.context, facts.hidden_size, facts.layers, facts.kv_heads, facts.vocabulary) == (
        512,
        8,
        2,
        2,
        32,
    )
    assert (facts.kv_width, facts.template, facts.license) == (2 * 2 * 2 * 2, True, "apache-2.0")


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        (b"", ""),
        (b"license: mit\n", ""),
        (b"---\nlicense: 'mit'\n---\n", "mit"),
        (b"---\na: b\n---\nlicense: x", ""),
    ],
)
def test_the_licence_is_that_of_the_model_cards_head(cache, card, expected):
    folder = put(cache, "org/full", model_files(**{"README.md": card}))
    assert folder_facts(folder).license == expected


def test_a_quantized_or_nested_configuration_is_understood(cache):
    config = {"model_type": "big", "text_config": CONFIG, "quantization_config": {"quant_method": "gptq"}}
    template = json.dumps({"chat_template": "{{ x }}"}).encode()
    files = {"config.json": json.dumps(config).encode(), "tokenizer_config.json": template}
    facts = folder_facts(put(cache, "org/big", {**model_files(), **files}))
    assert (facts.architecture, facts.quantization, facts.layers, facts.template) == ("big", "gptq", 2, True)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", b"{"),
        ("config.json", b"[]"),
        ("model.safetensors", b""),
        ("model.safetensors", b"\xff" * 30),
        ("model.safetensors", weights(a=(4, 8))[:-1]),
        ("model.safetensors", (9).to_bytes(8, "little") + b"{"),
    ],
)
def test_damage_is_listed_and_told_by_file(cache, name, content):
    folder = put(cache, "org/full", {**model_files(), name: content})
    with pytest.raises(InputError, match="damaged: ") as caught:
        folder_facts(folder)
    assert caught.value.where == str(folder / name)
    (listed,) = (one for one in catalogue() if one.name == "org/full")
    assert "damaged" in listed.problem
    assert listed.facts is None
    assert all("damaged" in verdict.problem for verdict in check_folder("org/full", folder))


def test_weights_are_checked_against_the_name_of_their_blob(cache):
    folder = put(cache, "org/full", model_files())
    assert list(folder_models()) == [("org/full", folder)]
    (fine,) = check_folder("org/full", folder)
    assert (fine.against, fine.problem) == ("hub", "")
    blob = (folder / "model.safetensors").resolve()
    blob.write_bytes(blob.read_bytes()[:-1] + b"!")
    (bad,) = check_folder("org/full", folder)
    assert bad.problem.startswith(f"damaged: its SHA-256 is {bad.sha256}, and was {blob.name}")


@pytest.mark.parametrize(
    "config",
    [
        {"text_config": 7},
        {"quantization_config": [1]},
        {"hidden_size": "wide", "num_attention_heads": 2},
    ],
)
def test_a_configuration_of_another_form_is_damage(cache, config):
    folder = put(cache, "org/odd", {**model_files(), "config.json": json.dumps(config).encode()})
    with pytest.raises(InputError, match="damaged: not what it should say"):
        folder_facts(folder)
    (listed,) = (one for one in catalogue() if one.name == "org/odd")
    assert "damaged" in listed.problem


@pytest.mark.parametrize(
    "tensor", [{}, {"shape": [1]}, {"shape": [1], "dtype": "F32", "data_offsets": ["a", "b"]}]
)
def test_a_tensor_of_another_form_is_damage(cache, tensor):
    header = json.dumps({"w": tensor}).encode()
    data = len(header).to_bytes(8, "little") + header
    folder = put(cache, "org/odd", {**model_files(), "model.safetensors": data})
    with pytest.raises(InputError, match="damaged"):
        folder_facts(folder)
