"""Histories of outside ids as item indices; nothing that is left out goes unnoticed."""

import pytest

from genair.data.ids import IdMap
from genair.data.interactions import read_interactions
from genair.errors import InputError
from genair.io.blocks import Block
from genair.io.jsonl import encode_line
from genair.recommend.histories import HistoryReader
from genair.records import Failed

IDS = ["007", "7", " 7 ", str(2**60), "🙂", "a\u2028b", "é"]


class Collected(list):
    """Takes errors and goes on."""

    def __call__(self, failed):
        self.append(str(failed.error))


def refuse(failed):
    raise failed.error


def reader_of(on_failed=refuse):
    return HistoryReader(IdMap(IDS), on_failed)


def line(user_id, *item_ids, **more):
    return {"user_id": user_id, "item_ids": list(item_ids), **more}


def grouped(*groups):
    number = 0
    for group in groups:
        rows = []
        for row in group:
            number += 1
            rows.append((f"h:{number}", row))
        yield rows


def read(blocks):
    return [[(user_id, block.of(n).tolist()) for n, user_id in enumerate(block.user_ids)] for block in blocks]


def test_ids_become_indices_in_the_order_of_the_line():
    found = read(reader_of().from_lines(grouped([line("u", *IDS)], [line("v", "é", "007", "é")])))
    assert found == [[("u", [1, 2, 3, 4, 5, 6, 7])], [("v", [7, 1, 7])]]


def test_the_same_user_twice_is_two_histories():
    assert read(reader_of().from_lines(grouped([line("u", "7"), line("u", "é")]))) == [
        [("u", [2]), ("u", [7])]
    ]


def test_other_keys_are_ignored():
    assert read(reader_of().from_lines(grouped([line("u", "7", items=[1], _pg={})]))) == [[("u", [2])]]


def test_unknown_items_are_left_out_and_counted_and_five_named():
    strange = ["07", "7 ", "new", "e\u0301", "8", "9"]
    reader = reader_of()
    groups = grouped([line("u", "7", *strange)], [line("v", "new", "é", "10")])
    assert read(reader.from_lines(groups)) == [[("u", [2])], [("v", [7])]]
    assert reader.unknown.events == 8
    assert list(reader.unknown.first) == strange[:5]
    assert reader.unknown.words().startswith("8 events of items that the model does not know")


@pytest.mark.parametrize("history", [[], ["new"], ["new", "8"]])
def test_a_user_without_known_items_stays_with_no_events_or_stops_the_work(history):
    groups = [line("u", "7"), line("v", *history), line("w", "é")]
    told = Collected()
    assert read(reader_of(told).from_lines(grouped(groups))) == [[("u", [2]), ("v", []), ("w", [7])]]
    assert told == ["h:2: the model knows no item of user 'v'; --on-error skip answers with an empty list"]
    blocks = reader_of().from_lines(grouped(groups))
    assert read([next(blocks)]) == [[("u", [2])]]
    with pytest.raises(InputError, match=r"^h:2: the model knows no item of user 'v'"):
        next(blocks)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (Failed(InputError("broken JSON", where="h:2"), "{"), "broken JSON"),
        ({"item_ids": ["7"]}, "missing field 'user_id'"),
        ({"user_id": 5, "item_ids": ["7"]}, 'user_id is the number 5: ids are strings, write "5"'),
        ({"user_id": "u"}, "missing field 'item_ids'"),
        ({"user_id": "u", "item_ids": "7"}, "item_ids must be a list of ids, not str"),
        (line("u", "7", 7), r'item_ids\[1\] is the number 7: ids are strings, write "7"'),
        (line("u", ["7"]), r"item_ids\[0\] must be a string, not list"),
        (line("u", "7", ""), r"missing field 'item_ids\[1\]'"),
        (line("u", True), r"item_ids\[0\] must be a string, not bool"),
    ],
)
def test_a_bad_line_is_named_and_what_came_before_it_comes_out(row, said):
    groups = [line("a", "7"), row, line("b", "é")]
    told = Collected()
    assert read(reader_of(told).from_lines(grouped(groups))) == [[("a", [2]), ("b", [7])]]
    assert len(told) == 1
    blocks = reader_of().from_lines(grouped(groups))
    assert read([next(blocks)]) == [[("a", [2])]]
    with pytest.raises(InputError, match=f"^h:2: {said}"):
        next(blocks)


def test_no_line_is_read_ahead_of_its_group():
    def groups():
        yield [("h:1", line("u", "7"))]
        raise AssertionError("read ahead")

    assert read([next(reader_of().from_lines(groups()))]) == [[("u", [2])]]


def log_of(*events):
    lines = (
        encode_line({"user_id": user, "item_id": item, "timestamp": time}) for user, item, time in events
    )
    return read_interactions([Block(b"".join(lines), 1)], "l")


EVENTS = [("u", "7", 2), ("v", "é", 1), ("u", "007", 1), ("w", "new", 1), ("v", "new", 2), ("u", "8", 3)]


def test_a_log_s_users_come_with_their_events_in_time_order():
    told = Collected()
    reader = reader_of(told)
    assert read(reader.from_log(log_of(*EVENTS), [], "l")) == [[("u", [1, 2]), ("v", [7]), ("w", [])]]
    assert (reader.unknown.events, list(reader.unknown.first)) == (3, ["new", "8"])
    assert told == ["l: the model knows no item of user 'w'; --on-error skip answers with an empty list"]


def test_named_users_alone_come_in_their_order_and_only_theirs_is_told():
    reader = reader_of()
    assert read(reader.from_log(log_of(*EVENTS), ["v", "u", "v"], "l")) == [
        [("v", [7]), ("u", [1, 2]), ("v", [7])]
    ]
    assert (reader.unknown.events, list(reader.unknown.first)) == (2, ["new", "8"])
    reader = reader_of(Collected())
    assert read(reader.from_log(log_of(*EVENTS), ["w"], "l")) == [[("w", [])]]
    assert (reader.unknown.events, list(reader.unknown.first)) == (1, ["new"])


def test_a_user_that_the_log_does_not_name_is_an_error():
    with pytest.raises(InputError, match=r"^l: has no events of user 'x'$"):
        list(reader_of().from_log(log_of(*EVENTS), ["u", "x"], "l"))


def test_a_user_without_known_items_stops_a_log_before_anything_comes_out():
    with pytest.raises(InputError, match="no item of user 'w'"):
        next(reader_of().from_log(log_of(*EVENTS), [], "l"))


def test_many_users_come_in_blocks():
    log = log_of(*((f"u{n}", IDS[n % 7], n) for n in range(20_000)))
    blocks = list(reader_of().from_log(log, [], "l"))
    assert max(map(len, blocks)) < 10_000
    assert [one for block in read(blocks) for one in block] == [(f"u{n}", [n % 7 + 1]) for n in range(20_000)]
