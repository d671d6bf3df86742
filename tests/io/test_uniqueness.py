"""Ids that were seen before are found, however many there are, and nobody else is accused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.errors import InputError
from genair.io.uniqueness import UniqueIds


def test_the_second_of_two_equal_ids_names_both_lines():
    seen = UniqueIds()
    seen.add("a", "items.jsonl:17")
    seen.add("b", "items.jsonl:18")
    with pytest.raises(InputError, match=r"^items.jsonl:19: duplicate item_id 'a': first on line 17$"):
        seen.add("a", "items.jsonl:19")


def test_a_duplicate_on_the_same_line_number_is_a_duplicate():
    seen = UniqueIds()
    seen.add("a", "one.jsonl:5")
    with pytest.raises(InputError, match="duplicate item_id 'a'"):
        seen.add("a", "two.jsonl:5")


def test_ids_that_look_alike_are_different():
    seen = UniqueIds()
    for number, item_id in enumerate(["7", "07", " 7", "7 ", "７"]):
        seen.add(item_id, f"w:{number}")


@given(st.lists(st.text("ab\n\u2028 7", max_size=3), max_size=60))
@settings(deadline=None, max_examples=200)
def test_it_says_what_a_dict_would_say(ids):
    seen, first = UniqueIds(), {}
    for number, item_id in enumerate(ids, start=1):
        if item_id not in first:
            first[item_id] = number
            seen.add(item_id, f"a.jsonl:{number}")
            continue
        with pytest.raises(InputError) as caught:
            seen.add(item_id, f"a.jsonl:{number}")
        message = f"duplicate item_id {item_id!r}: first on line {first[item_id]}"
        assert str(caught.value) == f"a.jsonl:{number}: {message}"


N_MANY = 100_000


@pytest.fixture(scope="module")
def many():
    """A hundred thousand ids: the table has grown eight times."""
    seen = UniqueIds()
    for number in range(1, N_MANY + 1):
        seen.add(f"item-{number}", f"items.jsonl:{number}")
    return seen


@pytest.mark.parametrize("number", [1, 2, 614, 615, 50_000, N_MANY - 1, N_MANY])
def test_a_duplicate_is_found_among_very_many_with_its_first_line(many, number):
    message = rf"^items\.jsonl:{N_MANY + 9}: duplicate item_id 'item-{number}': first on line {number}$"
    with pytest.raises(InputError, match=message):
        many.add(f"item-{number}", f"items.jsonl:{N_MANY + 9}")


def test_every_one_of_very_many_is_remembered(many):
    found = 0
    for number in range(1, N_MANY + 1, 7):
        try:
            many.add(f"item-{number}", "again.jsonl:1")
        except InputError as error:
            found += error.message.endswith(f"first on line {number}")
    assert found == len(range(1, N_MANY + 1, 7))


def test_a_refused_id_does_not_take_room_or_move_the_first_line():
    seen = UniqueIds()
    seen.add("a", "w:1")
    for number in range(2, 5000):
        with pytest.raises(InputError, match=r"first on line 1$"):
            seen.add("a", f"w:{number}")


def test_a_place_with_colons_in_its_name_is_read_from_its_end():
    seen = UniqueIds()
    seen.add("a", "C:/items:new.jsonl:12")
    with pytest.raises(InputError, match=r"first on line 12$"):
        seen.add("a", "w:13")
