"""Items in, archetypes out: in order, one seed an item, and everything that shaped them on the line."""

import json
from dataclasses import replace

import pytest

from genair.archetype.generate import requests, write_archetypes
from genair.config import ArchetypeConfig, Decoding
from genair.errors import InputError, UsageError
from genair.io.jsonl import encode_line
from genair.llm.base import BackendSpec
from genair.llm.waves import waves_of
from genair.records import Archetype, Failed

ECHO = BackendSpec("echo", "", "echo", "", "words", parallel=16)
ITEMS = [
    {"item_id": "007", "title": "Fishing rod", "brand": "Carp & Co"},
    {"item_id": " 7 ", "title": "Cake &amp; tin", "price": 3},
    {"item_id": str(2**60), "title": "日本語の本 on cooking", "notes": "<b>long words</b>, short ones"},
]
SAMPLED = ArchetypeConfig(decoding=Decoding(temperature=1.0, max_tokens=3))


def rows(items=ITEMS):
    return [(f"items.jsonl:{number}", item) for number, item in enumerate(items, start=1)]


def outcomes(config, items=ITEMS, spec=ECHO, **kwargs):
    waves = waves_of(requests(rows(items), config), config.wave)
    units = write_archetypes(waves, config, spec, 0, **kwargs)
    return [outcome for unit in units for outcome in unit.outcomes]


def write(config, items=ITEMS, spec=ECHO):
    return [one.archetype for one in outcomes(config, items, spec)]


def test_every_item_has_its_archetype_in_order():
    written = write(ArchetypeConfig())
    assert [one.item_id for one in written] == [item["item_id"] for item in ITEMS]
    for one in written:
        assert one.archetype.startswith("The ideal audience is people who ")
        assert one.archetype_tokens == len(one.archetype.split()) - 6
        assert one.finish_reason == "stop"
        assert one.prompt_tokens > 6
    assert "title is Cake & tin; price is 3" in written[1].prompt


def test_a_line_reads_back_as_it_was_written():
    for one in write(SAMPLED):
        assert Archetype.from_row(json.loads(encode_line(one.to_row())), "w") == one


@pytest.mark.parametrize("wave", [1, 2, 3, 50])
def test_the_size_of_a_wave_changes_nothing_but_its_record(wave):
    written = write(replace(SAMPLED, wave=wave))
    assert [one.archetype for one in written] == [one.archetype for one in write(SAMPLED)]
    assert {tuple(one.made_by["wave"]) for one in written} == {(wave, 16)}


def test_an_item_s_seed_depends_on_itself_alone():
    alone = [next(requests(rows([item]), SAMPLED)).seed for item in ITEMS]
    assert alone == [one.seed for one in requests(rows(), SAMPLED)]
    assert len(set(alone)) == len(ITEMS)


def test_equal_text_under_another_id_has_another_seed():
    twins = [{"item_id": item_id, "title": "Rod"} for item_id in "ab"]
    one, other = requests(rows(twins), SAMPLED)
    assert one.prompt == other.prompt
    assert one.seed != other.seed


def test_the_line_says_how_it_was_made():
    (one, *_) = write(SAMPLED, spec=replace(ECHO, name="m", sha256="ab", runs="f16", parallel=4))
    made_by = one.made_by
    assert made_by["model"] == {"name": "m", "sha256": "ab", "runs": "f16"}
    assert made_by["decoding"] == SAMPLED.decoding.settings()
    assert made_by["prompt"]["name"] == "profile"
    assert made_by["seed"] == 0
    assert made_by["wave"] == [32, 4]
    assert made_by["system"].startswith("You are")
    assert one.archetype.startswith(made_by["prime"])


def test_greedy_lines_name_no_seed():
    assert "seed" not in write(ArchetypeConfig())[0].made_by


def test_all_lines_of_a_run_share_their_maker():
    assert len({one.made_by["id"] for one in write(SAMPLED)}) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"prompt": "paper"},
        {"item_type": "gift"},
        {"fields": ("title",)},
        {"max_field_chars": 4},
        {"decoding": Decoding(temperature=1.0, max_tokens=4)},
        {"decoding": Decoding(temperature=1.0, max_tokens=3, top_p=0.5)},
        {"decoding": Decoding(temperature=1.0, max_tokens=3, top_k=5)},
        {"decoding": Decoding(temperature=1.0, max_tokens=3, repeat_penalty=1.3)},
        {"decoding": Decoding(temperature=0.5, max_tokens=3)},
        {"seed": 1},
        {"wave": 7},
    ],
    ids="-".join,
)
def test_every_setting_that_shapes_the_output_changes_the_maker_s_id(changed):
    before, after = write(SAMPLED)[0], write(replace(SAMPLED, **changed))[0]
    assert before.made_by["id"] != after.made_by["id"]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"prompt": "paper"}, "archetype"),
        ({"item_type": "gift"}, "prompt"),
        ({"fields": ("title",)}, "prompt"),
        ({"max_field_chars": 4}, "prompt"),
        ({"seed": 1}, "archetype"),
        ({"decoding": Decoding(temperature=0)}, "archetype"),
    ],
)
def test_every_setting_changes_something(changed, field):
    before, after = write(SAMPLED), write(replace(SAMPLED, **changed))
    assert [getattr(one, field) for one in before] != [getattr(one, field) for one in after]


def test_an_answer_cut_at_the_limit_says_so():
    assert {one.finish_reason for one in write(SAMPLED)} == {"length"}
    assert {one.archetype_tokens for one in write(SAMPLED)} == {3}


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"title": "Rod"}, "missing field 'item_id'"),
        ({"item_id": 7, "title": "Rod"}, "item_id is the number 7"),
        ({"item_id": "007", "title": "Rod"}, "duplicate item_id '007': first on line 1"),
        ({"item_id": "x", "price": 3}, "item 'x' has no text: add a title or drop it"),
    ],
)
def test_a_bad_item_is_a_failure_in_its_place(bad, message):
    found = outcomes(SAMPLED, [ITEMS[0], bad, ITEMS[1]])
    assert [one.archetype.item_id for one in found[::2]] == ["007", " 7 "]
    failed = found[1]
    assert isinstance(failed, Failed)
    assert type(failed.error) is InputError
    assert str(failed.error).startswith(f"items.jsonl:2: {message}")
    assert failed.line == bad


def test_an_item_before_a_bad_one_is_there_before_the_bad_one_is_read():
    def lines():
        yield from rows(ITEMS[:1])
        raise AssertionError("read ahead")

    assert next(requests(lines(), SAMPLED)).item_id == "007"


def test_a_broken_line_passes_through():
    broken = Failed(InputError("broken JSON", where="items.jsonl:2"), "{oops")
    lines = [*rows(ITEMS[:1]), ("items.jsonl:2", broken)]
    assert list(requests(lines, SAMPLED))[1] is broken


def test_an_item_beyond_the_model_s_context_is_a_failure_in_its_place():
    long = {"item_id": "long", "title": "word " * 5000}
    config = replace(SAMPLED, max_field_chars=10**6)
    first, failed, last = outcomes(config, [ITEMS[0], long, ITEMS[1]])
    assert [one.archetype.item_id for one in (first, last)] == ["007", " 7 "]
    assert isinstance(failed, Failed)
    assert str(failed.error).startswith("items.jsonl:2: item 'long': 5")
    assert "tokens and 3 to write exceed the model's context of 4096" in failed.error.message
    assert failed.error.message.endswith("shorten its text, or use --max-field-chars")
    assert failed.line == long


def test_states_come_along_only_where_they_are_wanted():
    plain, seen = outcomes(SAMPLED), outcomes(SAMPLED, want_states=True)
    assert [one.archetype for one in seen] == [one.archetype for one in plain]
    assert {one.states for one in plain} == {None}
    assert all(one.states.context.shape == one.states.archetype.shape for one in seen)


def test_an_unknown_template_is_refused_before_the_first_item():
    with pytest.raises(UsageError, match="unknown prompt template"):
        next(requests(rows(), replace(SAMPLED, prompt="no-such")))


def test_no_items_give_no_archetypes():
    assert write(SAMPLED, items=[]) == []
