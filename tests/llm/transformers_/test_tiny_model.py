"""A tiny model: what it is, what it writes and reads, where and in which precision."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from genair.config import Decoding
from genair.errors import GenairError, UsageError
from genair.llm import default_workers
from genair.llm.base import Answered
from genair.llm.models import backend_spec
from genair.records import ChatPrompt

GREEDY = Decoding(max_tokens=10)
SEEDS = [0, 1, 2, 3]


def test_the_spec_says_what_runs_and_where(folder):
    spec = backend_spec("transformers", str(folder), 4)
    assert (spec.name, spec.device, spec.dtype, spec.runs) == ("tiny-chat", "cpu", "fp32", "fp32 cpu")
    assert backend_spec("transformers", str(folder), 4, dtype="bf16").runs == "bf16 cpu"
    with pytest.raises(UsageError, match="unknown dtype 'int3': choose from auto, bf16, fp16, fp32"):
        backend_spec("transformers", str(folder), 4, dtype="int3")
    with pytest.raises(UsageError, match="--device and --dtype are for --backend transformers"):
        backend_spec("echo", "", 4, device="cpu")


def test_what_the_model_is_comes_from_its_config(tiny):
    assert (tiny.hidden_size, tiny.context_length) == (16, 2048)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_states_while_writing_are_those_of_reading(tiny, prompts, read_back, temperature):
    decoding = Decoding(max_tokens=12, temperature=temperature)
    written = tiny.generate(prompts, decoding, SEEDS, want_states=True)
    plain = tiny.generate(prompts, decoding, SEEDS)
    assert plain == [replace(one, states=None) for one in written]
    for one, again in zip(written, tiny.states(read_back(prompts, written)), strict=True):
        np.testing.assert_allclose(one.states.context, again.context, atol=1e-5)
        np.testing.assert_allclose(one.states.archetype, again.archetype, atol=1e-5)


def test_the_same_wave_gives_the_same_bytes(tiny, folder, open_folder, prompts):
    decoding = Decoding(max_tokens=12, temperature=0.8)
    first = tiny.generate(prompts, decoding, SEEDS, want_states=True)
    second = open_folder(folder).generate(prompts, decoding, SEEDS, want_states=True)
    for one, two in zip(first, second, strict=True):
        assert replace(one, states=None) == replace(two, states=None)
        assert np.array_equal(one.states.context, two.states.context)
        assert np.array_equal(one.states.archetype, two.states.archetype)


def test_one_item_and_none_are_waves_too(tiny, prompts):
    (one,) = tiny.generate(prompts[:1], GREEDY, [0], want_states=True)
    assert len(one.tokens) >= 1
    assert tiny.generate([], GREEDY, []) == []
    assert tiny.states([]) == []
    (empty,) = tiny.generate([ChatPrompt("", "", "")], GREEDY, [0])
    assert empty.prompt_tokens == tiny.count_tokens(ChatPrompt("", "", ""))


def test_an_answer_without_a_state_has_none(tiny, prompts):
    (read,) = tiny.states([Answered(prompts[0], "x", None, cut=True)])
    assert read.archetype is None
    assert read.context.shape == (16,)


def test_an_edited_text_counts_and_not_its_old_tokens(tiny, prompts):
    stale = tuple(tiny._tokens.of_text("old"))
    one, other = tiny.states(
        [Answered(prompts[0], "new", stale, cut=False), Answered(prompts[0], "new", None, cut=False)]
    )
    np.testing.assert_allclose(one.archetype, other.archetype, atol=1e-6)


@pytest.mark.parametrize("dtype", ["bf16", "fp16"])
def test_half_precision_gives_about_the_same(tiny, folder, open_folder, prompts, cosine, dtype):
    half = open_folder(folder, dtype=dtype)
    wave = [Answered(prompt, " a", None, cut=False) for prompt in prompts]
    for one, two in zip(tiny.states(wave), half.states(wave), strict=True):
        assert cosine(one.context, two.context) > 0.999


def test_too_little_memory_is_said_in_a_line(tiny, prompts, monkeypatch):
    def refuse(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    monkeypatch.setattr(tiny._engine, "write", refuse)
    with pytest.raises(GenairError, match="not enough memory on cpu: try a --wave below 3"):
        tiny.generate(prompts, GREEDY, SEEDS)


def test_it_works_in_the_process_that_asks():
    assert default_workers("transformers", 7) == 0
