"""Items become plain text, those of the log only, each once, in the order of their table."""

import datetime
import decimal
import json

import numpy as np
import polars as pl
import pytest

from genair.data.importers.catalogue import collecting, plain_attributes
from genair.records import Item

IDS = pl.Series(["a", "b", "c", "d"])


def write(items, wanted, kept):
    with collecting(IDS, np.array(wanted, dtype=bool)) as catalogue:
        for item in items:
            catalogue.add(item)
        lines = [json.loads(line) for line in catalogue.lines(np.array(kept, dtype=bool))]
        return lines, catalogue


def test_items_come_in_the_order_of_their_table_and_the_unknown_last():
    items = [Item("d", {"title": "D"}), Item("x", {"title": "X"}), Item("b", {"title": "B"}), Item("c", {})]
    lines, catalogue = write(items, [1, 1, 0, 1], [1, 1, 0, 1])
    assert lines == [{"item_id": "d", "title": "D"}, {"item_id": "b", "title": "B"}, {"item_id": "a"}]
    assert catalogue.has_text.tolist() == [False, True, False, True]
    assert catalogue.missing(np.array([True, True, False, True])) == 1


def test_what_does_not_stay_is_not_written():
    lines, _ = write([Item("a", {"title": "A"}), Item("b", {"title": "B"})], [1, 1, 1, 1], [0, 1, 0, 0])
    assert lines == [{"item_id": "b", "title": "B"}]


def test_the_first_line_of_an_item_counts():
    lines, catalogue = write([Item("a", {"n": 1}), Item("a", {"n": 2})], [1, 0, 0, 0], [1, 0, 0, 0])
    assert lines == [{"item_id": "a", "n": 1}]
    assert catalogue.repeated == 1


def test_an_attribute_cannot_take_the_place_of_the_id():
    items = [Item("a", {"<b>item_id</b>": "z", "item_id": "y"}), Item("b", {"item_id": "b"}), Item("c", {})]
    lines, catalogue = write(items, [1, 1, 1, 0], [1, 0, 0, 0])
    assert lines == [{"item_id": "a"}]
    assert catalogue.hidden == 1


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ("Salt &amp;amp; <b>pepper</b>\n", "Salt & pepper"),
        ("<script>steal('me')</script>Mill", "Mill"),
        ("x" * 1_000_000, "x" * 1_000_000),
        ("a\0b\u2028c", "a b c"),
        (["<i>", "One", None, ["", "Two"]], ["One", ["Two"]]),
        ({"<b>Size</b>": " L ", "Empty": ""}, {"Size": "L"}),
        (0, 0),
        (False, False),
        (2.5, 2.5),
        (datetime.date(2016, 1, 30), "2016-01-30"),
        (datetime.datetime(2016, 1, 30, 12, tzinfo=datetime.UTC), "2016-01-30 12:00:00+00:00"),
        (decimal.Decimal("9.50"), "9.50"),
    ],
)
def test_values_become_plain(value, plain):
    assert plain_attributes({"key": value}) == {"key": plain}


@pytest.mark.parametrize(
    "value", [None, "", " ", "<br>", [], [""], {}, {"a": []}, float("nan"), b"\x89PNG", "https://x.y/z.jpg"]
)
def test_what_says_nothing_is_left_out(value):
    assert plain_attributes({"key": value}) == {}


@pytest.mark.parametrize(
    ("attributes", "has_text"),
    [
        ({"title": "Mill"}, True),
        ({"title": "釣り竿"}, True),
        ({"title": "😀"}, False),
        ({"price": 9.5}, False),
        ({"asin": "B001"}, False),
        ({"imUrl": "shop"}, False),
        ({"_made": "by"}, False),
        ({"details": {"Brand": "X"}}, True),
    ],
)
def test_text_is_what_archetypes_are_written_from(attributes, has_text):
    _, catalogue = write([Item("a", attributes)], [1, 0, 0, 0], [1, 0, 0, 0])
    assert catalogue.has_text[0] == has_text
