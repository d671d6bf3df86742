"""The backend without a model keeps the promises a model makes."""

from dataclasses import replace

import numpy as np
import pytest

from genair.config import Decoding
from genair.llm.base import Answered, BackendSpec
from genair.llm.echo import HIDDEN_SIZE, EchoBackend
from genair.records import ChatPrompt

ECHO = EchoBackend(BackendSpec("echo", "", "echo", "", "words"))
PROMPTS = [
    ChatPrompt("You answer.", f"Who likes number {n}, {'very ' * n} much?", "They are") for n in range(5)
]
SEEDS = range(len(PROMPTS))
SAMPLED = Decoding(temperature=1.0, max_tokens=4)


def generate(prompts, decoding=SAMPLED, seeds=None):
    return ECHO.generate(prompts, decoding, seeds or range(len(prompts)))


def states_of(text, *, cut=False, tokens=None, prompt=PROMPTS[0]):
    return ECHO.states([Answered(prompt, text, tokens, cut)])[0]


def test_a_wave_gives_what_each_prompt_gives_alone():
    together = generate(PROMPTS)
    alone = [generate([prompt], seeds=[seed])[0] for seed, prompt in enumerate(PROMPTS)]
    assert together == alone


def test_greedy_ignores_the_seed_and_sampling_does_not():
    greedy = Decoding(temperature=0)
    assert generate(PROMPTS[:1], greedy, [1]) == generate(PROMPTS[:1], greedy, [2])
    assert len({generate(PROMPTS[:1], SAMPLED, [seed])[0].text for seed in range(9)}) > 1


@pytest.mark.parametrize(("max_tokens", "finish"), [(2, "length"), (5, "length"), (6, "stop"), (40, "stop")])
def test_an_answer_stops_at_its_end_or_at_the_limit(max_tokens, finish):
    prompt = ChatPrompt("", "one two three four five", "")
    made = generate([prompt], Decoding(max_tokens=max_tokens))[0]
    assert made.finish_reason == finish
    assert len(made.tokens) == len(made.text.split()) == min(5, max_tokens)
    assert made.text.startswith(" ")


def test_a_prompt_without_words_still_has_an_answer():
    assert generate([ChatPrompt("", "  ", "")])[0].text.strip() != ""


def test_tokens_of_the_prompt_are_counted_over_all_of_it():
    assert generate(PROMPTS[:1])[0].prompt_tokens == 1 + 2 + 5 + 2  # <s>, system, user, prime


def test_states_are_of_the_stated_size_and_of_the_sequence_alone():
    wave = [Answered(prompt, " Anglers and cooks.", None, False) for prompt in PROMPTS]
    together = ECHO.states(wave)
    for one, found in zip(wave, together, strict=True):
        alone = ECHO.states([one])[0]
        np.testing.assert_array_equal(alone.context, found.context)
        np.testing.assert_array_equal(alone.archetype, found.archetype)
        assert found.context.shape == found.archetype.shape == (HIDDEN_SIZE,) == (ECHO.hidden_size,)


@pytest.mark.parametrize("max_tokens", [2, 3, 40])
def test_states_taken_while_writing_are_those_of_reading_the_answer_again(max_tokens):
    decoding = Decoding(max_tokens=max_tokens)
    written = ECHO.generate(PROMPTS, decoding, SEEDS, want_states=True)
    read = [
        Answered(prompt, one.text, None, one.finish_reason == "length")
        for prompt, one in zip(PROMPTS, written, strict=True)
    ]
    for one, again in zip(written, ECHO.states(read), strict=True):
        np.testing.assert_array_equal(one.states.context, again.context)
        np.testing.assert_array_equal(one.states.archetype, again.archetype)


def test_states_are_taken_only_where_they_are_wanted_and_change_no_word():
    plain, seen = generate(PROMPTS), ECHO.generate(PROMPTS, SAMPLED, SEEDS, want_states=True)
    assert {one.states for one in plain} == {None}
    assert [replace(one, states=None) for one in seen] == plain


def test_the_context_does_not_see_the_answer():
    np.testing.assert_array_equal(states_of(" Anglers.").context, states_of(" Bakers and cooks.").context)


def test_the_answer_sees_the_prompt():
    one, other = (states_of(" Anglers.", prompt=prompt).archetype for prompt in PROMPTS[:2])
    assert np.abs(one - other).max() > 0.01


def test_a_cut_answer_leaves_out_its_last_token():
    np.testing.assert_array_equal(
        states_of(" a b c", cut=True).archetype, states_of(" a b", cut=False).archetype
    )
    assert states_of(" a", cut=True).archetype is None
