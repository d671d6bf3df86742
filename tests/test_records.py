"""Lines become records, and what is wrong with a line is said with its place."""

import pickle

import pytest

from genair.errors import InputError
from genair.records import Archetype, Item, require_id, require_shallow, require_time

LINE = {"item_id": "7", "prompt": "Who?", "archetype": "Anglers."}


def test_an_item_is_its_id_and_everything_else():
    item = Item.from_row({"title": "Rod", "item_id": "007", "price": None}, "w")
    assert (item.item_id, item.attributes) == ("007", {"title": "Rod", "price": None})


@pytest.mark.parametrize("item_id", ["007", " 7 ", str(2**60), "ÅÄÖ-漢字", "🎣", "\u2028", "None"])
def test_an_id_is_taken_as_it_is(item_id):
    assert require_id({"item_id": item_id}, "item_id", "w") == item_id


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({}, "missing field 'item_id'"),
        ({"item_id": None}, "missing field 'item_id'"),
        ({"item_id": ""}, "missing field 'item_id'"),
        ({"item_id": 7}, 'item_id is the number 7: ids are strings, write "7"'),
        ({"item_id": 1.5}, "item_id is the number 1.5"),
        ({"item_id": True}, "item_id must be a string, not bool"),
        ({"item_id": ["7"]}, "item_id must be a string, not list"),
        ({"item_id": {"id": "7"}}, "item_id must be a string, not dict"),
    ],
)
def test_anything_but_a_string_is_refused_as_an_id(row, message):
    with pytest.raises(InputError) as caught:
        require_id(row, "item_id", "a.jsonl:3")
    assert str(caught.value).startswith(f"a.jsonl:3: {message}")


def test_an_id_with_a_null_character_is_refused_before_any_work():
    """HDF5 cannot store one, and says so only after the last item."""
    with pytest.raises(InputError, match=r"^a\.jsonl:3: "):
        require_id({"item_id": "a\x00b"}, "item_id", "a.jsonl:3")


def test_what_is_wrong_is_shown_and_never_a_megabyte_of_it():
    for refuse in (require_id, lambda row, _, where: require_time(row, where)):
        with pytest.raises(InputError) as refused:
            refuse({"timestamp": "\0" * 2**20}, "timestamp", "log.jsonl:1")
        assert len(str(refused.value)) < 200


@pytest.mark.parametrize("time", [None, 0, -1, 2.5, 2**70])
def test_a_time_is_any_number_or_none(time):
    assert require_time({"timestamp": time}, "log.jsonl:1") == time


@pytest.mark.parametrize("time", [True, "", "2016-01-30", [1], {}])
def test_anything_else_is_no_time(time):
    with pytest.raises(InputError, match=r"log\.jsonl:1: timestamp must be a number, not "):
        require_time({"timestamp": time}, "log.jsonl:1")


def test_an_archetype_written_by_hand_needs_three_fields():
    record = Archetype.from_row(LINE, "w")
    assert record == Archetype("7", "Who?", "Anglers.", "given", 0, 0, None, {})


def test_an_archetype_survives_its_line():
    record = Archetype("7", "Who?", "Anglers.", "stop", 12, 3, (5, 6, 7), {"id": "archetype-1"})
    assert Archetype.from_row(record.to_row(), "w") == record


def test_tokens_are_written_only_where_the_text_does_not_give_them_back():
    assert "_tokens" not in Archetype.from_row(LINE, "w").to_row()


@pytest.mark.parametrize("field", ["item_id", "prompt", "archetype"])
def test_a_missing_field_is_named(field):
    row = {key: value for key, value in LINE.items() if key != field}
    with pytest.raises(InputError, match=f"^a.jsonl:3: missing field '{field}'$"):
        Archetype.from_row(row, "a.jsonl:3")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", None),
        ("prompt", 3),
        ("archetype", ["Anglers."]),
        ("_tokens", "5 6"),
        ("_tokens", [5, "6"]),
        ("_tokens", [True]),
        ("_tokens", [1.0]),
        ("_tokens", {"0": 5}),
        ("_pg", None),
        ("_pg", "archetype-1"),
        ("prompt_tokens", "many"),
        ("prompt_tokens", [1]),
        ("archetype_tokens", "many"),
        ("archetype_tokens", {"n": 1}),
        ("finish_reason", 5),
        ("finish_reason", ["stop"]),
    ],
)
def test_a_field_of_the_wrong_type_is_refused_with_its_line(field, value):
    with pytest.raises(InputError, match=r"^a.jsonl:3: ") as caught:
        Archetype.from_row({**LINE, field: value}, "a.jsonl:3")
    assert field in caught.value.message


def test_a_token_no_model_can_have_is_refused():
    with pytest.raises(InputError, match="_tokens"):
        Archetype.from_row({**LINE, "_tokens": [2**31]}, "w")


def test_unknown_keys_are_ignored():
    assert Archetype.from_row({**LINE, "note": "by me"}, "w") == Archetype.from_row(LINE, "w")


@pytest.mark.parametrize("wrap", [lambda inner: [inner], lambda inner: {"a": inner}])
def test_nesting_has_an_end_well_before_that_of_python(wrap):
    def nested(levels):
        value = "Rod"
        for _ in range(levels - 1):
            value = wrap(value)
        return {**LINE, "more": value}

    assert pickle.dumps(Item.from_row(nested(200), "w"))
    assert Archetype.from_row(nested(200), "w").item_id == "7"
    require_shallow({"wide": [[1]] * 300}, "w")
    for record in (Item, Archetype):
        with pytest.raises(InputError, match=r"^w: nested deeper than 200 levels: flatten it"):
            record.from_row(nested(201), "w")
