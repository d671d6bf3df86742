"""What GGUF files say of themselves, and that damaged ones are refused with a reason and nothing worse."""

import importlib.util
import json
import struct

import pytest

from genair.config import DEFAULT_MODEL
from genair.errors import GenairError, InputError, MissingExtraError
from genair.llm.llamacpp import version
from genair.llm.models import ModelFile, backend_spec, find_model, headers
from genair.llm.models.aside import CrashedError, aside
from genair.llm.models.headers import facts_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("llama_cpp") is None, reason="needs genair[llamacpp]"),
]

HEADER = 4 << 20  # more than the header of the embedded model


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GENAIR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def header():
    with find_model(DEFAULT_MODEL).path.open("rb") as file:
        return file.read(HEADER)


@pytest.fixture
def damaged(tmp_path, header):
    """Write the embedded model's header with some bytes replaced, and holes for weights."""

    def write(old: bytes, new: bytes, *, after: bytes = b"") -> ModelFile:
        start = header.index(old, header.index(after))
        path = tmp_path / "bad.gguf"
        with path.open("wb") as file:
            file.write(header[:start] + new + header[start + len(new) :])
            file.truncate(find_model(DEFAULT_MODEL).path.stat().st_size)
        return ModelFile("bad", path)

    return write


def test_the_facts_of_the_embedded_model(cache):
    facts = facts_of(find_model(DEFAULT_MODEL))
    assert (facts.architecture, facts.parameters, facts.quantization) == ("llama", 134_515_008, "Q4_1")
    assert (facts.context, facts.hidden_size, facts.layers, facts.kv_heads) == (8192, 576, 30, 3)
    assert (facts.kv_width, facts.vocabulary) == (30 * 3 * (64 + 64), 49152)
    assert (facts.template, facts.license) == (True, "apache-2.0")


def test_facts_are_asked_for_once(monkeypatch):
    model = find_model(DEFAULT_MODEL)
    first = facts_of(model)
    monkeypatch.setattr(headers, "aside", lambda *_, **__: pytest.fail("asked again"))
    assert facts_of(model) == first


@pytest.mark.parametrize("note", [{}, {"sha256": None}, {"sha256": "ab"}, {"architecture": "llama"}])
def test_notes_of_another_form_are_none(cache, note):
    model = find_model(DEFAULT_MODEL)
    facts, digest = facts_of(model), model.sha256
    for path in (cache / "notes").iterdir():
        path.write_text(json.dumps(note))
    assert (facts_of(model), model.sha256) == (facts, digest)


def test_without_llama_cpp_facts_say_what_to_install(monkeypatch):
    def absent(_name):
        raise version.PackageNotFoundError

    monkeypatch.setattr(version, "version", absent)
    with pytest.raises(MissingExtraError, match="llamacpp"):
        facts_of(find_model(DEFAULT_MODEL))


def test_a_file_that_vanished_is_named(tmp_path):
    with pytest.raises(GenairError, match="No such file") as caught:
        facts_of(ModelFile("m", tmp_path / "m.gguf"))
    assert caught.value.where == str(tmp_path / "m.gguf")


@pytest.mark.parametrize(
    ("old", "new", "after", "reason"),
    [
        (b"llama", b"lxxma", b"general.architecture", "unknown model architecture: 'lxxma'"),
        (b"llama.block_count", b"llama.block_cxunt", b"", "key not found in model: llama.block_count"),
        (struct.pack("<I", 8), struct.pack("<I", 255), b"general.license", "has invalid GGUF type 255"),
        (struct.pack("<Q", 17), struct.pack("<Q", 1 << 62), b"smollm", "string length .* exceeds maximum"),
        (b"token_embd.weight", b"taken_embd.weight", b"", "tensor 'token_embd.weight' not found"),
    ],
)
def test_a_damaged_header_is_refused_with_llama_cpps_reason(damaged, old, new, after, reason):
    model = damaged(old, new, after=after)
    with pytest.raises(InputError, match=reason) as caught:
        facts_of(model)
    assert caught.value.where == str(model.path)
    assert "\n" not in str(caught.value)


def test_a_header_that_makes_llama_cpp_abort_ends_another_process(damaged, cache):
    model = damaged(struct.pack("<I", 30), struct.pack("<I", 0), after=b"llama.block_count")
    with pytest.raises(
        InputError, match=r"damaged: llama.cpp crashes .*SIGABRT: llama-model.cpp:\d+: GGML_ASSERT"
    ):
        facts_of(model)


def test_a_truncated_file_is_refused(tmp_path, header):
    for size in (4, 8, 30, 5000, HEADER):
        (tmp_path / "cut.gguf").write_bytes(header[:size])
        with pytest.raises(InputError, match=r"llama.cpp cannot load this model \(.+\)") as caught:
            backend_spec("llamacpp", str(tmp_path / "cut.gguf"), 2)
        assert "no reason given" not in str(caught.value)


def test_what_a_function_returns_and_raises_comes_back():
    assert aside("os.path:basename", "/a/b") == "b"
    with pytest.raises(InputError, match=r"^x: llama.cpp cannot load this model") as caught:
        aside("genair.llm.llamacpp.gguf:read_facts", "x")
    assert type(caught.value) is InputError


def test_a_process_that_dies_or_hangs_is_an_error():
    with pytest.raises(CrashedError, match=r"^SIGABRT: no reason given$"):
        aside("os:abort")
    with pytest.raises(CrashedError, match=r"^exit status 3: "):
        aside("os:_exit", 3)
    with pytest.raises(CrashedError, match=r"^exit status 1: TypeError"):
        aside("os.path:basename", 5)
    with pytest.raises(CrashedError, match="no answer in 1 s"):
        aside("time:sleep", 60, timeout_s=1)
