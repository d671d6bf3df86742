"""Rules on events."""

import time
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

START, DAY = 1_600_000_000, 86_400
LAST = "log.jsonl:41"


@pytest.mark.parametrize(
    ("row", "code", "level", "words"),
    [
        ({"item_id": "i1", "timestamp": START}, "bad-id", "error", "missing field 'user_id'"),
        ({"user_id": "u1", "item_id": 5, "timestamp": START}, "bad-id", "error", "item_id is the number 5"),
        ({"user_id": "u1", "item_id": "i1", "timestamp": "now"}, "bad-time", "error", "not 'now'"),
        ({"user_id": "u1", "item_id": "i1", "timestamp": True}, "bad-time", "error", "not True"),
        ({"user_id": "u1", "item_id": "i7"}, "missing-time", "error", "but on 40 other lines"),
        (
            {"user_id": "u1", "item_id": "n", "timestamp": START},
            "unknown-item",
            "error",
            "'n' (1 events) is not in",
        ),
        ({"user_id": "u1", "item_id": "I7", "timestamp": START}, "unknown-item", "error", "; 'i7' is"),
        (
            {"user_id": "u1", "item_id": "i7", "timestamp": START * 1000},
            "mixed-units",
            "warning",
            "looks like ms",
        ),
        ({"user_id": "u1", "item_id": "i7", "timestamp": 0}, "odd-time", "warning", "before 1973"),
        ({"user_id": "u1", "item_id": "i7", "timestamp": -START}, "odd-time", "warning", "before 1973"),
        (
            {"user_id": "u1", "item_id": "i7", "timestamp": 32_503_680_000},
            "odd-time",
            "warning",
            "in the future",
        ),
        (
            {"user_id": "u0", "item_id": "i0", "timestamp": START},
            "same-event",
            "warning",
            "the same event as on line 1",
        ),
        (
            {"user_id": "u0", "item_id": "i4", "timestamp": START + 99 * DAY},
            "repeat-in-a-row",
            "warning",
            "user 'u0' has item 'i4' twice in a row",
        ),
        (
            {"user_id": "u0", "item_id": "i0", "timestamp": START + 99 * DAY},
            "repeated-pair",
            "note",
            "user 'u0' had item 'i0' before, on line 1",
        ),
        (
            {"user_id": "u9", "item_id": "i7", "timestamp": START},
            "short-user",
            "note",
            "'u9' has fewer than 3",
        ),
        (
            {"user_id": "u9 ", "item_id": "i7", "timestamp": START},
            "spaced-id",
            "warning",
            "'u9 ' begins or ends",
        ),
        (
            {"user_id": "U1", "item_id": "i7", "timestamp": START},
            "lookalike-id",
            "warning",
            "all but 'u1' on line 6",
        ),
    ],
)
def test_one_more_event(world, row, code, level, words):
    one = world.found(events=[*world.events, row])[code]
    assert (one.level, one.places.count) == (level, 1)
    assert one.places.first[0].where == LAST
    assert words in one.places.first[0].message


def test_both_ids_of_a_line_can_be_bad(world):
    assert world.found(events=[*world.events, {"timestamp": 1}])["bad-id"].places.count == 2


def test_the_lines_that_differ_from_most_lack_a_time_or_have_one(world):
    most = [{key: row[key] for key in ("user_id", "item_id")} for row in world.events]
    one = world.found(events=[world.events[0], *most[1:]])["missing-time"]
    assert (one.places.count, one.places.first[0].where) == (1, "log.jsonl:1")
    assert "a timestamp here, but none on 39 other lines" in one.places.first[0].message


def test_an_unknown_item_is_named_once_at_its_first_event(world):
    more = [world.event("u1", "n", START + n) for n in range(4)]
    one = world.found(events=[*world.events, *more])["unknown-item"]
    assert one.places.count == 1
    assert one.places.first[0].message == "item 'n' (4 events) is not in items.jsonl"


@pytest.mark.parametrize("items", [[], [b"{broken\n"]])
def test_without_items_nothing_is_unknown_and_that_is_told(world, items):
    found = world.found(items)
    assert "unknown-item" not in found
    assert "not looked up in items.jsonl" in found["not-compared"].places.first[0].message


@pytest.mark.parametrize("timed", [True, False])
def test_nothing_to_validate_on_or_to_learn_from(world, timed):
    time_of = (START,) if timed else ()
    two = [world.event(f"u{n}", f"i{n + step}", *time_of) for n in range(4) for step in range(2)]
    found = world.found(events=two)
    assert "no user has 3 events" in found["no-split"].places.first[0].message
    assert "nothing-to-learn" not in found, "two events are trained on"
    three = [world.event(f"u{n}", f"i{n + step}", *time_of) for n in range(4) for step in range(3)]
    found = world.found(events=three)
    assert "no-split" not in found
    assert "nothing to learn from" in found["nothing-to-learn"].places.first[0].message
    same = [world.event("u", one, *time_of) for one in ("i0", "i0", "i1", "i2")]
    found = world.found(events=same)
    assert not {"no-split", "nothing-to-learn"} & found.keys()
    assert "nothing to calibrate by" in found["nothing-to-calibrate"].places.first[0].message


def test_times_that_tie_count_or_are_missing(world):
    tied = [{**row, "timestamp": START} for row in world.events]
    assert "have the same time" in world.found(events=tied)["ties"].places.first[0].message
    order = [{**row, "timestamp": n % 5} for n, row in enumerate(world.events)]
    found = world.found(events=order)
    assert "no clock" in found["no-time-split"].places.first[0].message
    assert not {"odd-time", "mixed-units", "ties"} & found.keys()
    none = [{key: row[key] for key in ("user_id", "item_id")} for row in world.events]
    found = world.found(events=none)
    assert "no timestamps to be split by" in found["no-time-split"].places.first[0].message
    assert not {"missing-time", "same-event", "ties"} & found.keys()


def test_tomorrow_is_no_time_of_an_event_and_now_is(world):
    now = int(time.time())
    soon = [world.event("u1", "i7", now), world.event("u2", "i0", now + 3 * DAY)]
    assert world.found(events=[*world.events, *soon])["odd-time"].places.first[0].where == "log.jsonl:42"


def test_times_keep_every_digit(world):
    nanoseconds = [{**row, "timestamp": START * 10**9 + n} for n, row in enumerate(world.events)]
    assert "ties" not in world.found(events=nanoseconds)
    fractions = [{**row, "timestamp": START + n / 8} for n, row in enumerate(world.events)]
    assert not {"ties", "odd-time"} & world.found(events=fractions).keys()
    huge = [{**row, "timestamp": 2**70 + n} for n, row in enumerate(world.events)]
    assert "bad-time" not in world.found(events=huge)


def test_one_user_with_most_events_may_be_a_machine(world):
    others = [world.event(f"v{n}", "i1", START + DAY * n) for n in range(300)]
    robot = [world.event("bot", f"i{n % 8}", START + n) for n in range(200)]
    found = world.found(events=[*world.events, *others, *robot])
    assert "'bot' has 37% of all events" in found["dominant-user"].places.first[0].message
    assert "dominant-user" not in world.found()


def test_items_without_events_and_too_few_for_sampled_negatives(world):
    found = world.found([*world.items, world.item("new")])
    assert found["cold-item"].places.first[0].where == "items.jsonl:9"
    assert "only 3 of the log's 8 items" in found["few-negatives"].places.first[0].message
    items = [world.item(f"i{n}") for n in range(120)]
    more = [world.event(f"u{n}", f"i{n}", START + DAY * n) for n in range(120)]
    assert "few-negatives" not in world.found(items, [*world.events, *more])


events = st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 2))


@given(rows=st.lists(events, min_size=1, max_size=15), timed=st.booleans())
@settings(deadline=None, max_examples=150)
def test_repeats_are_those_of_counting_by_hand(world, rows, timed):
    log = [world.event(f"u{user}", f"i{item}", *([at] if timed else [])) for user, item, at in rows]
    found = world.found(events=log)
    pairs = Counter(row[:2] for row in rows)
    assert _count(found, "repeated-pair") == sum(pairs.values()) - len(pairs)
    assert _count(found, "same-event") == (len(rows) - len(set(rows)) if timed else 0)
    by_time = sorted(rows, key=lambda row: (row[0], row[2] if timed else 0))
    runs = sum(one[:2] == other[:2] for one, other in pairwise(by_time))
    assert _count(found, "repeat-in-a-row") == runs


def _count(found, code):
    return found[code].places.count if code in found else 0


LINES = st.sampled_from(
    [
        *(
            {"user_id": user, "item_id": item, "timestamp": time}
            for user, item, time in [
                ("u", "i1", 5),
                ("v", "i2", 3),
                ("é", "i1", 2**53 + 1),
                ("u", "i9", 1.5),
            ]
        ),
        *({"user_id": user, "item_id": "i3"} for user in ("u", "w")),
        *({"user_id": user, "item_id": item, "timestamp": "now"} for user, item in [("x", "i1"), (7, "i1")]),
        *({"user_id": "u", "timestamp": 4}, b"{broken\n", b"\n"),
    ]
)


@given(st.lists(LINES, max_size=12))
@settings(deadline=None, max_examples=100)
def test_plain_lines_give_what_lines_read_one_by_one_give(world, lines):
    """A carriage return somewhere makes a log be read line by line."""
    plain, slow = world.log(world.items, lines), world.log(world.items, [*lines, b"\r\n"])
    for name in ("user_ids", "item_ids", "timed"):
        assert getattr(plain, name) == getattr(slow, name)
    for name in ("users", "items", "times", "untimed"):
        assert getattr(plain, name).tolist() == getattr(slow, name).tolist()
        assert getattr(plain, name).dtype == getattr(slow, name).dtype
    assert plain.bad_ids.places == slow.bad_ids.places
    assert plain.bad_times.places == slow.bad_times.places
    assert plain.lines.records == slow.lines.records
    assert [*map(plain.lines.line_of, range(len(plain)))] == [*map(slow.lines.line_of, range(len(slow)))]
