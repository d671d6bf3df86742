"""Archetype lines in, states out: whoever wrote the lines."""

import numpy as np
import pytest

from genair.archetype.generate import requests, write_archetypes
from genair.config import ArchetypeConfig, Decoding, EmbedConfig
from genair.embed.extract import extract_states, read_archetypes
from genair.errors import InputError
from genair.llm.base import Answered, BackendSpec
from genair.llm.echo import EchoBackend
from genair.llm.waves import waves_of
from genair.records import ChatPrompt, Failed

ECHO = BackendSpec("echo", "", "echo", "", "words")
BACKEND = EchoBackend(ECHO)
CONFIG = EmbedConfig()
HAND = {"item_id": "1", "prompt": "Who would like a rod?", "archetype": "Anglers and their friends."}


def outcomes(*lines, config=CONFIG):
    records = read_archetypes([(f"a.jsonl:{n}", line) for n, line in enumerate(lines, start=1)], config)
    units = extract_states(waves_of(records, config.wave), config, ECHO, 0)
    return [outcome for unit in units for outcome in unit.outcomes]


def states(*lines, config=CONFIG):
    return [one.states for one in outcomes(*lines, config=config)]


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
    units = write_archetypes([wanted], config, ECHO, 0)
    lines = [one.archetype.to_row() for unit in units for one in unit.outcomes]
    made = BACKEND.generate([one.prompt for one in wanted], config.decoding, [one.seed for one in wanted])
    for found, one, generation in zip(states(*lines), wanted, made, strict=True):
        assert_same(found, read(one.prompt, generation.text, cut=generation.finish_reason == "length"))


def test_lines_written_by_hand_are_read_with_our_system_message_and_no_prime():
    system = "".join(
        one.prompt.system for one in requests([("w:1", {"item_id": "1", "title": "Rod"})], ArchetypeConfig())
    )
    assert system
    assert_same(states(HAND)[0], read(ChatPrompt(system, HAND["prompt"], ""), HAND["archetype"]))


@pytest.fixture
def overflowing(monkeypatch):
    """A model whose numbers overflow where a text speaks of wine."""
    plain = EchoBackend._states

    def overflown(self, one):
        found = plain(self, one)
        if "wine" in one.prompt.user + one.text:
            found.archetype[-1] = np.nan
        return found

    monkeypatch.setattr(EchoBackend, "_states", overflown)


@pytest.mark.usefixtures("overflowing")
def test_an_item_whose_states_are_no_numbers_fails_and_the_others_do_not():
    fine, bad = outcomes(HAND, {**HAND, "item_id": "2", "archetype": "Friends of wine and cheese."})
    assert np.isfinite(fine.states.archetype).all()
    assert isinstance(bad, Failed)
    assert str(bad.error).startswith("a.jsonl:2: the model's states are not finite numbers")


@pytest.mark.usefixtures("overflowing")
def test_so_does_one_in_the_pass_that_writes_it():
    items = [(f"w:{n}", {"item_id": str(n), "title": title}) for n, title in enumerate(("A rod", "A wine"))]
    units = write_archetypes(
        [list(requests(items, ArchetypeConfig()))], ArchetypeConfig(), ECHO, 0, want_states=True
    )
    fine, bad = [outcome for unit in units for outcome in unit.outcomes]
    assert fine.states.is_finite()
    assert str(bad.error).startswith("w:1: the model's states are not finite numbers")


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
def test_a_bad_line_is_a_failure_in_its_place(change, message):
    bad = {**HAND, "item_id": "2", **change}
    first, failed, last = outcomes(HAND, bad, {**HAND, "item_id": "3"})
    assert (first.item_id, last.item_id) == ("1", "3")
    assert isinstance(failed, Failed)
    assert type(failed.error) is InputError
    assert str(failed.error).startswith(f"a.jsonl:2: {message}")
    assert failed.line == bad


ONE_TOKEN = {**HAND, "archetype": "Anglers", "finish_reason": "length"}


def test_an_archetype_that_has_no_state_of_its_own_is_a_failure_in_its_place():
    first, failed, last = outcomes(HAND, {**ONE_TOKEN, "item_id": "2"}, {**HAND, "item_id": "3"})
    assert (first.item_id, last.item_id) == ("1", "3")
    assert isinstance(failed, Failed)
    assert str(failed.error).startswith("a.jsonl:2: the archetype is a single token")
    assert "--views context" in failed.error.message
    (found,) = states(ONE_TOKEN, config=EmbedConfig(views=("context",)))
    np.testing.assert_array_equal(found.context, states(HAND)[0].context)


def test_a_text_beyond_the_model_s_context_is_a_failure_in_its_place():
    long = {**HAND, "item_id": "2", "archetype": "word " * 5000}
    first, failed, last = outcomes(HAND, long, {**HAND, "item_id": "3"})
    assert_same(first.states, last.states)
    assert isinstance(failed, Failed)
    assert str(failed.error).startswith("a.jsonl:2: item '2': 5")
    assert "tokens exceed the model's context of 4096" in failed.error.message
    assert failed.error.message.endswith("shorten its text")


def test_a_broken_line_passes_through():
    broken = Failed(InputError("broken JSON", where="a.jsonl:1"), "{oops")
    assert outcomes(broken)[0] is broken


ANOTHER = {
    "item_id": "2",
    "prompt": "Who would want a rod?",
    "archetype": "Bakers.",
    "finish_reason": "length",
    "_tokens": [1, 2],
    "_pg": {"system": "You know people."},
}


@pytest.mark.parametrize("field", ANOTHER)
def test_all_that_shapes_the_states_is_a_line_s_identity(field):
    (one,) = read_archetypes([("a:1", HAND)], CONFIG)
    (same,) = read_archetypes([("b:7", {**HAND, "prompt_tokens": 9, "_pg": {"id": "archetype-9"}})], CONFIG)
    (other,) = read_archetypes([("a:1", {**HAND, field: ANOTHER[field]})], CONFIG)
    assert one.identity == same.identity
    assert one.identity != other.identity


def test_the_context_alone_needs_no_answer():
    config = EmbedConfig(views=("context",))
    (found,) = states({**HAND, "archetype": ""}, config=config)
    np.testing.assert_array_equal(found.context, states(HAND)[0].context)
    assert found.archetype is None
