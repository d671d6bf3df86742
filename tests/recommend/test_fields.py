"""What a catalogue says of the model's items."""

import pytest

from genair.data.ids import IdMap
from genair.errors import InputError, UsageError
from genair.recommend.fields import read_fields
from genair.records import Failed

ROWS = [
    {"item_id": "é", "title": "Third", "brand": None},
    {"item_id": "other", "title": "Not the model's", "size": 1},
    {"item_id": "7", "title": "Second", "brand": "B", "price": 2.5},
    {"item_id": "007", "title": "First"},
]


def fields_of(rows, *wanted, on_failed=None):
    def refuse(failed):
        raise failed.error

    records = [(f"i:{number}", row) for number, row in enumerate(rows, start=1)]
    return read_fields(records, IdMap(["007", "7", "é"]), wanted, "i", on_failed or refuse)


def test_fields_are_joined_by_id_in_the_order_that_is_wanted():
    found = fields_of(ROWS, "brand", "title")
    assert found == [{"title": "First"}, {"brand": "B", "title": "Second"}, {"brand": None, "title": "Third"}]
    assert list(found[1]) == ["brand", "title"]


def test_items_without_a_line_are_told_by_name():
    with pytest.raises(InputError, match=r"^i: lacks 2 items of the model, first '7', 'é'; "):
        fields_of(ROWS[3:], "title")
    told = []
    assert fields_of(ROWS[3:], "title", on_failed=told.append) == [{"title": "First"}, {}, {}]
    assert len(told) == 1


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (Failed(InputError("broken JSON", where="i:5"), "{"), "broken JSON"),
        ({"item_id": 7}, "is the number 7"),
        ({"item_id": "7", "title": "Again"}, "duplicate item_id '7': first on line 3"),
    ],
)
def test_lines_that_cannot_be_used_are_named(row, said):
    with pytest.raises(InputError, match=f"^i:5: .*{said}"):
        fields_of([*ROWS, row], "title")
    told = []
    assert fields_of([*ROWS, row], "title", on_failed=told.append) == fields_of(ROWS, "title")
    assert len(told) == 1


@pytest.mark.parametrize("wanted", ["titel", "size"])
def test_a_field_that_no_item_of_the_model_has_is_refused(wanted):
    with pytest.raises(InputError, match=f"^i: no item of the model has the field '{wanted}'"):
        fields_of(ROWS, "title", wanted)


@pytest.mark.parametrize("wanted", ["item_id", "score"])
def test_a_field_named_like_our_own_is_refused(wanted):
    with pytest.raises(UsageError, match=f"--fields cannot name {wanted}"):
        fields_of(ROWS, wanted)
