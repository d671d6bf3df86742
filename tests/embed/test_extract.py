"""Archetype lines in, states out: whoever wrote the lines."""

import numpy as np
import pytest

from genair.archetype.generate import requests, write_archetypes
from genair.config import ArchetypeConfig, Decoding, EmbedConfig
from genair.embed.extract import extract_states, read_archetypes
from genair.errors import InputError
from genair.llm.base import Answered, BackendSpec
from genair.llm.echo import EchoBackend
from genair.records import ChatPrompt

ECHO = BackendSpec("echo", "", "echo", "", "words")
BACKEND = EchoBackend(ECHO)
CONFIG = EmbedConfig()
HAND = {"item_id": "1", "prompt": "Who would like a rod?", "archetype": "Anglers and their friends."}


def states(*lines, config=CONFIG):
    records = read_archetypes([(f"a.jsonl:{n}", line) for n, line in enumerate(lines, start=1)], config)
    return list(extract_states(records, config, ECHO, 1))


def read(prompt, text, *, cut=False):
    return BACKEND.states([Answered(prompt, text, None, cut)])[0]


def assert_same(one, other):
    np.testing.assert_array_equal(one.context, other.context)
    np.testing.assert_array_equal(one.archetype, other.archetype)


@pytest.mark.parametrize("max_tokens", [3, 40])
def test_lines_of_our_own_are_read_as_they_were_written(max_tokens):
    config = ArchetypeConfig(decoding=Decoding(max_tokens=max_tokens))
    items = [(f"w:{n}", {"item_id": str(n), "title": f"A rod of {n} feet"}) for n in range(4)]
    wanted = list(requests(items, config))
    lines = [one.to_row() for one in write_archetypes(wanted, config, ECHO, 1)]
    made = BACKEND.generate([one.prompt for one in wanted], config.decoding, [one.seed for one in wanted])
    for found, one, generation in zip(states(*lines), wanted, made, strict=True):
        assert_same(found, read(one.prompt, generation.text, cut=generation.finish_reason == "length"))


def test_lines_written_by_hand_are_read_with_our_system_message_and_no_prime():
    system = "".join(
        one.prompt.system for one in requests([("w:1", {"item_id": "1", "title": "Rod"})], ArchetypeConfig())
    )
    assert system
    assert_same(states(HAND)[0], read(ChatPrompt(system, HAND["prompt"], ""), HAND["archetype"]))


def test_an_empty_system_message_is_kept_empty():
    line = {**HAND, "_pg": {"system": "", "prime": ""}}
    assert_same(states(line)[0], read(ChatPrompt("", HAND["prompt"], ""), HAND["archetype"]))


def test_the_prime_belongs_to_the_prompt_while_the_answer_begins_with_it():
    made_by = {"system": "", "prime": "Anglers and"}
    primed = states({**HAND, "_pg": made_by})[0]
    assert_same(primed, read(ChatPrompt("", HAND["prompt"], "Anglers and"), " their friends."))
    rewritten = {**HAND, "archetype": "Bakers.", "_pg": made_by}
    assert_same(states(rewritten)[0], read(ChatPrompt("", HAND["prompt"], ""), "Bakers."))


def test_only_an_answer_at_the_limit_leaves_out_its_last_token():
    whole = {**HAND, "_pg": {"system": ""}}
    short = {**whole, "archetype": "Anglers and their"}
    assert_same(states({**whole, "finish_reason": "length"})[0], states(short)[0])
    assert_same(states({**whole, "finish_reason": "stop"})[0], states(whole)[0])


@pytest.mark.parametrize("wave", [1, 2, 7])
def test_states_come_in_order_whatever_the_wave(wave):
    lines = [{**HAND, "item_id": str(n), "archetype": f"Number {n} lovers."} for n in range(5)]
    for found, line in zip(states(*lines, config=EmbedConfig(wave=wave)), lines, strict=True):
        assert_same(found, states(line)[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"item_id": 7}, "item_id is the number 7"),
        ({"item_id": "1"}, "duplicate item_id '1': first on line 1"),
        ({"prompt": None}, "prompt must be a string"),
        ({"prompt": " \n"}, "the prompt is empty"),
        ({"archetype": ""}, "the archetype is empty"),
        ({"archetype": "  "}, "the archetype is empty"),
        ({"archetype": "They are", "_pg": {"prime": "They are"}}, "the archetype is empty"),
        ({"_pg": []}, "_pg must be an object"),
    ],
)
def test_a_bad_line_is_named(change, message):
    with pytest.raises(InputError) as caught:
        states(HAND, {**HAND, "item_id": "2", **change})
    assert str(caught.value).startswith(f"a.jsonl:2: {message}")


def test_the_context_alone_needs_no_answer():
    config = EmbedConfig(views=("context",))
    (found,) = states({**HAND, "archetype": ""}, config=config)
    np.testing.assert_array_equal(found.context, states(HAND)[0].context)
    assert found.archetype is None
