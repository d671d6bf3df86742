"""Yelp's reviews and businesses, of the Open Dataset and of 2013."""

import json

REVIEW = {"review_id": "r", "user_id": "u", "business_id": "b", "stars": 4.0, "date": "2016-01-30 02:18:30"}


def lines(*rows):
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def test_reviews_are_events_in_utc(read_log):
    found = read_log("yelp", lines(REVIEW))
    assert found.rows == [("u", "b", 1454120310 * 10**6, 4.0)]


def test_reviews_of_2013_know_only_the_day(read_log):
    found = read_log("yelp", lines({**REVIEW, "date": "2011-01-26", "votes": {"funny": 0}}))
    assert found.rows == [("u", "b", 1296000000 * 10**6, 4.0)]


def test_a_torn_last_line_is_named_and_costs_nothing_else(read_log):
    found = read_log("yelp", lines(REVIEW) + b'{"review_id":"0Tjr7qnQtg4eUGX4xjyHrw","user_id":"HyBk')
    assert len(found.rows) == 1
    assert found.failed[0].startswith("2: broken JSON")
    assert "the last line seems cut off" in found.failed[0]


def test_a_business_has_a_name_categories_and_a_place(read_items):
    row = {"business_id": "b", "name": "Minhas", "city": "Calgary", "state": "AB", "stars": 4.0}
    told = {"name": "Minhas", "categories": ["Tours", "Food"], "city": "Calgary", "state": "AB"}
    for categories in ("Tours, Food", ["Tours", "Food"]):
        assert read_items("yelp", lines({**row, "categories": categories})) == [("b", told)]
    del told["categories"]
    assert read_items("yelp", lines({**row, "categories": None})) == [("b", told)]
