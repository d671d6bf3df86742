"""The embedded model, converted, against llama.cpp with the same weights."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from genair.config import DEFAULT_MODEL, Decoding
from genair.llm.base import Answered, BackendSpec
from genair.llm.models import backend_spec, find_model
from genair.llm.transformers_.backend import TransformersBackend
from genair.records import ChatPrompt
from genair_cli.main import main

pytestmark = pytest.mark.llm


@pytest.fixture(scope="module")
def real(converted):
    return TransformersBackend(converted)


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    """llama.cpp with an F16 copy: the same weights."""
    from genair.llm.llamacpp.backend import LlamaCppBackend
    from genair.llm.llamacpp.gguf import requantize

    copy = tmp_path_factory.mktemp("f16") / "f16.gguf"
    requantize(str(find_model(DEFAULT_MODEL).path), str(copy), 1)
    return LlamaCppBackend(BackendSpec("llamacpp", str(copy), "f16", "", "f16", 3))


def test_the_converted_model_is_whole_and_found_again(converted):
    made = Path(converted.model)
    assert (converted.name, converted.runs) == (DEFAULT_MODEL, "fp32 cpu")
    assert converted.sha256 == find_model(DEFAULT_MODEL).sha256
    assert made.name == f"{converted.sha256[:16]}-hf"
    assert (made / "model.safetensors").stat().st_mode == (made / "config.json").stat().st_mode
    before = (made / "config.json").stat().st_mtime_ns
    assert backend_spec("transformers", DEFAULT_MODEL, 3) == converted
    assert (made / "config.json").stat().st_mtime_ns == before
    assert not list(made.parent.glob("*.partial"))


def test_one_bit_that_changed_in_the_converted_model_is_found(converted, capsys):
    made = Path(converted.model)

    def verify():
        status = main(["models", "verify", DEFAULT_MODEL])
        said = capsys.readouterr()
        (row,) = (row for row in map(json.loads, said.out.splitlines()) if row["path"] == str(made))
        assert (row["name"], row["compared_with"]) == (f"{DEFAULT_MODEL} (hf)", "label")
        return status, row["status"], said.err

    assert verify() == (0, "ok", "")
    flip_last_bit(made / "model.safetensors")
    status, problem, err = verify()
    flip_last_bit(made / "model.safetensors")
    assert status == 3
    assert problem.startswith("damaged: its SHA-256 is ")
    assert err == f"genair models: error: {made}: {problem}\n"
    assert verify() == (0, "ok", "")


def flip_last_bit(path):
    with path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)[0]
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last ^ 1]))


def test_prompts_have_the_tokens_they_have_in_llama_cpp(real, llama, nasty_texts):
    for text in nasty_texts:
        for prompt in (
            ChatPrompt(text, "b", "c"),
            ChatPrompt("a", text, ""),
            ChatPrompt("", "b", text),
            ChatPrompt(text, text, text),
        ):
            assert real.prompt_tokens(prompt).tolist() == llama.prompt_tokens(prompt).tolist()
    rng = np.random.default_rng(3)
    for _ in range(200):
        tokens = rng.integers(17, 49152, size=rng.integers(1, 9)).tolist()
        text = llama.text_of(tokens)
        assert real._tokens.text_of(tokens) == text
        assert real._tokens.of_text(text) == llama._tokenize(text).tolist()
    assert set(real._end_tokens(None)) == {0, 2}


def test_states_are_those_of_llama_cpp(real, llama, prompts, read_back, cosine):
    """The same weights (F16), the same tokens: what is left is rounding."""
    written = real.generate(prompts, Decoding(max_tokens=10), range(len(prompts)), want_states=True)
    wave = read_back(prompts, written)
    for one, ours, theirs in zip(written, real.states(wave), llama.states(wave), strict=True):
        assert cosine(ours.context, theirs.context) > 0.9998
        assert cosine(ours.archetype, theirs.archetype) > 0.9998
        assert cosine(one.states.context, ours.context) > 0.9999
        assert cosine(one.states.archetype, ours.archetype) > 0.9999


def test_an_item_alone_has_the_states_it_has_in_company(real, prompts):
    wave = [Answered(prompt, " like to read slowly.", None, cut=False) for prompt in prompts]
    together = real.states(wave)
    for index in (0, len(wave) - 1):
        (alone,) = real.states([wave[index]])
        size = np.abs(alone.context).max()
        np.testing.assert_allclose(alone.context, together[index].context, atol=1e-5 * size)
        np.testing.assert_allclose(alone.archetype, together[index].archetype, atol=1e-5 * size)
