"""Amazon's dumps of 2014, 2018 and 2023."""

import json

import pytest

OLD = {
    "reviewerID": "A1",
    "asin": "0001",
    "overall": 5.0,
    "unixReviewTime": 1441324800,
    "reviewText": "Nice.",
}
NEW = {
    "user_id": "AE1",
    "asin": "B09",
    "parent_asin": "B08",
    "rating": 4.0,
    "timestamp": 1588687728923,
    "title": "x",
}


def lines(*rows):
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


@pytest.mark.parametrize("write", [json.dumps, repr], ids=["json", "literal"])
def test_reviews_until_2018(read_log, write):
    found = read_log("amazon", f"{write(OLD)}\n{write({**OLD, 'asin': '0002'})}\n".encode())
    assert found.rows == [("A1", "0001", 1441324800, 5.0), ("A1", "0002", 1441324800, 5.0)]
    assert (found.clock.form, found.clock.guessed) == ("s", False)


def test_reviews_of_2023_are_of_the_parent_and_in_milliseconds(read_log):
    found = read_log("amazon", lines(NEW))
    assert found.rows == [("AE1", "B08", 1588687728923, 4.0)]
    assert found.clock.form == "ms"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"reviewerID": None}, "1: missing field 'reviewerID'"),
        ({"reviewerID": ""}, "1: missing field 'reviewerID'"),
        ({"asin": 7.5}, "1: asin is the number 7.5, which may have been rounded: write ids as text"),
        ({"asin": True}, "1: asin must be text, not true or false"),
        ({"asin": ["B1"]}, "1: asin must be text, not list"),
        ({"asin": "a\0b"}, r"1: asin 'a\x00b' holds a null character"),
        ({"unixReviewTime": None}, "1: missing field 'unixReviewTime'"),
        ({"unixReviewTime": "noon"}, "1: unixReviewTime must be a number, not 'noon'"),
        ({"unixReviewTime": [1]}, "1: unixReviewTime must be a number, not [1]"),
        ({"overall": "good"}, "1: overall must be a number, not 'good'"),
        ({"overall": "nan"}, "1: overall must be a number, not 'nan'"),
        ({"overall": {}}, "1: overall must be a number, not {}"),
        ({"asin": "x" * 500 + "\0"}, "1: asin 'xxxx"),
    ],
)
def test_a_bad_review_is_named_and_the_next_one_read(read_log, change, said):
    found = read_log("amazon", lines({**OLD, **change}, OLD))
    assert [row[0] for row in found.rows] == ["A1"]
    assert len(found.failed) == 1
    assert found.failed[0].startswith(said)
    assert len(found.failed[0]) < 200


def test_numbers_as_ids_and_texts_as_numbers_are_exact(read_log):
    found = read_log("amazon", lines({**OLD, "asin": 2**60, "overall": "4.5", "unixReviewTime": "7"}, OLD))
    assert found.rows[0] == ("A1", str(2**60), 7, 4.5)
    assert found.rows[1] == ("A1", "0001", 1441324800, 5.0)


def test_a_product_of_2014(read_items):
    row = {
        "asin": "0000031852",
        "title": 'Girls Ballet Tutu Zebra "Hot" Pink',
        "price": 3.17,
        "imUrl": "http://ecx.images-amazon.com/images/I/51fAmVkTbyL._SY300_.jpg",
        "related": {"also_bought": ["B00JHONN1S"]},
        "salesRank": {"Toys & Games": 211836},
        "brand": "Coxlures",
        "categories": [["Sports & Outdoors", "Other Sports", "Dance"], ["Sports & Outdoors", "Ballet"]],
    }
    assert read_items("amazon", repr(row).encode()) == [
        (
            "0000031852",
            {
                "title": 'Girls Ballet Tutu Zebra "Hot" Pink',
                "brand": "Coxlures",
                "categories": ["Sports & Outdoors", "Other Sports", "Dance", "Ballet"],
                "price": 3.17,
            },
        )
    ]


def test_a_product_of_2018(read_items):
    row = {
        "asin": "B1",
        "title": "Card",
        "category": ["Gift Cards", "Gift Cards"],
        "feature": ["Never expires"],
    }
    row |= {
        "description": ["One", "Two"],
        "brand": "",
        "price": "$12.50",
        "also_buy": ["B2"],
        "main_cat": "Grocery",
    }
    assert read_items("amazon", lines(row)) == [
        (
            "B1",
            {
                "title": "Card",
                "categories": ["Gift Cards"],
                "description": ["One", "Two"],
                "features": ["Never expires"],
                "price": "$12.50",
            },
        )
    ]


def test_a_product_of_2023(read_items):
    row = {
        "parent_asin": "B1",
        "title": "Lamp",
        "main_category": "Tools",
        "categories": [],
        "store": "Bright",
    }
    row |= {
        "features": ["LED"],
        "description": [],
        "price": None,
        "average_rating": 4.8,
        "images": [{"large": "u"}],
    }
    told = {"title": "Lamp", "brand": "Bright", "categories": ["Tools"], "features": ["LED"]}
    assert read_items("amazon", lines(row)) == [("B1", told)]


@pytest.mark.parametrize(
    "junk",
    [
        {"title": "var aPageStart = (new Date()).getTime();\nvar ue_t0=ue_t0||+new Date();"},
        {"price": ".a-box-inner{background-color:#fff}#alohaBuyBoxWidget .selected{background:#fffbf3}"},
        {"categories": [[{"not": "a name"}, None, 5]]},
        {"categories": 5},
    ],
)
def test_what_the_crawler_took_for_attributes_is_none(read_items, junk):
    assert read_items("amazon", lines({"asin": "B1", "brand": "X", **junk})) == [("B1", {"brand": "X"})]


@pytest.mark.parametrize("price", ["$5", "$1,299.00", "12.5", "$10.00 - $20.00", 7])
def test_prices_stay(read_items, price):
    assert read_items("amazon", lines({"asin": "B1", "price": price})) == [("B1", {"price": price})]


def test_a_product_without_an_id_is_an_error(read_items):
    assert read_items("amazon", lines({"title": "x"}, {"asin": "B1"})) == [
        "items:1: missing field 'asin'",
        ("B1", {}),
    ]


def test_a_bomb_of_nesting_is_an_error(read_items):
    deep = b'{"asin":"B1","categories":' + b"[" * 1000 + b'"a"' + b"]" * 1000 + b"}\n"
    assert read_items("amazon", deep + lines({"asin": "B2"})) == ["items:1: nested too deep", ("B2", {})]
