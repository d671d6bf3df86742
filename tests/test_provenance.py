"""Steps: ids that are digests, chains that hold, lines that read back."""

import json
from dataclasses import replace
from importlib.metadata import version

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.provenance import Step, add_step, digest_of

STEP = Step(
    "embed", {"dim": 384, "views": ["context"]}, {"archetypes": "ab"}, {"genair": "0.1.0"}, "archetype-1"
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUE = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT


def test_an_id_names_the_command_and_digests_the_rest():
    command, _, digest = STEP.id.partition("-")
    assert command == "embed"
    assert len(digest) == 12
    int(digest, 16)


@pytest.mark.parametrize(
    "changed",
    [
        {"command": "other"},
        {"settings": {"dim": 383, "views": ["context"]}},
        {"inputs": {"archetypes": "ac"}},
        {"versions": {"genair": "0.1.1"}},
        {"previous": None},
    ],
)
def test_any_change_changes_the_id(changed):
    assert replace(STEP, **changed).id.split("-")[1] != STEP.id.split("-")[1]


def test_the_order_of_keys_does_not_matter():
    turned = replace(STEP, settings=dict(reversed(STEP.settings.items())))
    assert (turned.id, turned.to_json()) == (STEP.id, STEP.to_json())


@given(st.dictionaries(TEXT, VALUE, max_size=4), st.dictionaries(TEXT, TEXT, max_size=3))
@settings(deadline=None, max_examples=60)
def test_a_step_survives_its_line(values, inputs):
    step = Step("train", values, inputs, {"genair": "1"}, None)
    again = Step.from_json(step.to_json())
    assert (again, again.id) == (step, step.id)


def test_a_step_is_one_line_and_carries_its_id():
    step = replace(STEP, settings={"text": "a\nb \u2028 é"})
    assert "\n" not in step.to_json()
    assert json.loads(step.to_json())["id"] == step.id


def test_steps_form_a_chain():
    one = add_step([], "embed", {"dim": 1}, {})
    two = add_step(one, "calibrate", {"dim": 2}, {"interactions": "ab"}, ["numpy"])
    assert [step.previous for step in two] == [None, one[0].id]
    assert two[1].versions == {"genair": version("genair"), "numpy": version("numpy")}
    assert len(one) == 1  # the input is left alone


def test_equal_work_gives_equal_steps():
    assert add_step([], "embed", {"dim": 1}, {}) == add_step([], "embed", {"dim": 1}, {})


def test_a_digest_is_of_the_value_not_of_its_spelling():
    assert digest_of({"b": 1, "a": [1, "é"]}) == digest_of({"a": (1, "é"), "b": 1})
    assert digest_of({"a": 1}) != digest_of({"a": "1"})
    assert digest_of([]) == "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"
