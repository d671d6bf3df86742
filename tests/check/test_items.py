"""Rules on items."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.check.ids import lookalikes, plain_form


def test_a_good_world_has_notes_only(world):
    assert {one.level for one in world.found().values()} <= {"note"}


@pytest.mark.parametrize(
    ("line", "code", "level", "words"),
    [
        ({"title": "x"}, "bad-id", "error", "missing field 'item_id'"),
        ({"item_id": 7, "title": "x"}, "bad-id", "error", 'write "7"'),
        ({"item_id": "a\0", "title": "x"}, "bad-id", "error", "null character"),
        ({"item_id": "i1", "title": "Other"}, "duplicate-item", "error", "'i1': first on line 2"),
        ({"item_id": "n"}, "no-text", "error", "item 'n' has no text: add a title"),
        ({"item_id": "n", "title": " ", "price": 7}, "no-text", "error", "item 'n' has no text"),
        ({"item_id": "n", "brand": "Acme"}, "no-name", "warning", "neither title nor name"),
        (
            {"item_id": "n", "title": "A lamp called i1"},
            "same-text",
            "warning",
            "'n' what it says of 'i1' on line 2",
        ),
        ({"item_id": " n", "title": "x"}, "spaced-id", "warning", "' n' begins or ends with white space"),
        ({"item_id": "n\u2003", "title": "x"}, "spaced-id", "warning", "white space"),
        ({"item_id": "I1", "title": "x"}, "lookalike-id", "warning", "'I1' is all but 'i1' on line 2"),
        ({"item_id": "n", "title": "x" * 301}, "cut-text", "note", "shows 300 characters"),
        ({"item_id": "n", "title": "<b>Lamp</b>"}, "html-text", "note", "HTML"),
        ({"item_id": "n", "title": "Salt", "tags": ["a &amp; b"]}, "html-text", "note", "HTML"),
    ],
)
def test_one_more_line(world, line, code, level, words):
    one = world.found([*world.items, line])[code]
    assert (one.level, one.places.count) == (level, 1)
    assert one.places.first[0].where == "items.jsonl:9"
    assert words in one.places.first[0].message


def test_nesting_beyond_any_reading_is_an_error(world):
    deep = b'{"item_id": "n", "title": ' + b"[" * 900 + b"]" * 900 + b"}\n"
    message = world.found([*world.items, deep])["broken-line"].places.first[0].message
    assert message == "nested deeper than 200 levels: flatten it"


def test_lost_zeros_are_seen(world):
    one = world.found([*world.items, world.item("007"), world.item("7")])["lookalike-id"]
    assert one.places.first[0].message == "item_id '7' is all but '007' on line 9"


def test_a_single_item_is_too_few(world):
    assert "two items" in world.found(world.items[:1])["single-item"].places.first[0].message


def test_a_catalogue_where_nothing_has_a_title_has_other_names_for_it(world):
    items = [{"item_id": f"i{n}", "heading": f"Lamp {n}"} for n in range(8)]
    assert "no-name" not in world.found(items)


def test_text_beyond_the_cut_does_not_tell_items_apart(world):
    long = ["x" * 300 + end for end in ("a", "b")]
    items = [*world.items, *(world.item(f"n{n}", title=title) for n, title in enumerate(long))]
    assert world.found(items)["same-text"].places.count == 1


def test_a_million_of_a_kind_would_be_one_line(world):
    one = world.found([*world.items, *[{"item_id": 7}] * 1000], limit=2)["bad-id"]
    row = json.loads(json.dumps(one.to_row()))
    assert (row["level"], row["code"], row["count"], row["where"]) == (
        "error",
        "bad-id",
        1000,
        "items.jsonl:9",
    )
    assert [other["where"] for other in row["more"]] == ["items.jsonl:10"]


@given(st.lists(st.text("aA0 7é\u0301", max_size=4), max_size=12, unique=True))
@settings(deadline=None, max_examples=200)
def test_lookalikes_are_those_of_comparing_all_with_all(ids):
    expected = {}
    for row, one in enumerate(ids):
        earlier = [before for before in range(row) if plain_form(ids[before]) == plain_form(one)]
        if earlier:
            expected[row] = earlier[0]
    assert lookalikes(ids) == expected
