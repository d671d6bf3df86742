"""From dumps to files: written as genair reads them, in one order, with everything counted."""

import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.config.importing import FilterConfig, TableConfig
from genair.data.importers import IMPORTERS
from genair.data.importers.stage import import_dumps
from genair.data.interactions import read_interactions
from genair.errors import InputError
from genair.io.blocks import Block
from genair.io.dumps import Dump
from genair.io.jsonl import read_jsonl
from genair.records import Item

ID = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=3)
EVENTS = st.lists(
    st.tuples(ID, ID, st.integers(10**9, 10**9 + 3), st.sampled_from([1.0, 2.5])), min_size=1, max_size=20
)
KEYS = ("user_id", "item_id", "timestamp", "rating")


def import_(log, table=None, form="table", skipped=None, columns=None, **filters):
    """Return the lines of items and interactions, and the report."""
    items, interactions = [], []

    def skip(failed):
        if skipped is None:
            raise failed.error
        skipped.append(str(failed.error))

    report = import_dumps(
        IMPORTERS.get(form)(TableConfig(**(columns or {}))),
        Dump(io.BytesIO(log), "log"),
        None if table is None else Dump(io.BytesIO(table), "table"),
        FilterConfig(**filters),
        items.append,
        interactions.append,
        skip,
        lambda _: None,
    )
    return b"".join(items), b"".join(interactions), report


def jsonl(rows):
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def log_of(events):
    return jsonl(dict(zip(KEYS, event, strict=True)) for event in events)


@given(EVENTS)
@settings(deadline=None, max_examples=80)
def test_every_stage_can_read_what_is_written(events):
    items, interactions, report = import_(log_of(events), duplicates="keep")
    rows = list(read_jsonl(io.BytesIO(interactions), "i"))
    log = read_interactions([Block(interactions, 1)], "i")
    assert len(log) == len(events)
    wanted = sorted(events, key=lambda event: (event[0].encode(), event[2]))
    assert [tuple(row[key] for key in KEYS) for _, row in rows] == wanted
    found = [Item.from_row(row, where).item_id for where, row in read_jsonl(io.BytesIO(items), "i")]
    assert found == sorted({event[1] for event in events}, key=str.encode)
    assert (report.summary.users, report.summary.items) == (len(set(log.user_ids)), len(found))


@given(EVENTS, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=40)
def test_the_order_of_the_input_counts_only_among_equal_times(events, rng):
    by_time = {event[:1] + event[2:3]: event for event in events}  # one event a user and time
    events = list(by_time.values())
    shuffled = rng.sample(events, len(events))
    assert import_(log_of(events))[:2] == import_(log_of(shuffled))[:2]


def test_equal_inputs_give_equal_bytes_whatever_the_threads_did():
    numbers = np.random.default_rng(1).integers(0, 99, (3000, 3)).tolist()
    events = [(f"u{user}", f"i{item % 9}", time % 5, 1.0) for user, item, time in numbers]
    log = log_of(events)
    made = {import_(log, min_user=5, repeats="last")[:2] for _ in range(3)}
    assert len(made) == 1


def test_what_was_lost_where_is_in_the_report():
    events = [
        ("u", "a", 10**9, 5.0),
        ("u", "a", 10**9, 5.0),
        ("u", "b", 10**9 + 1, 5.0),
        ("u", "c", 10**9 + 2, 1.0),
        ("v", "a", 10**9 + 3, 5.0),
        ("v", "b", 10**9 + 4, 4.0),
        ("w", "d", 10**9, 5.0),
    ]
    table = jsonl([{"item_id": "a", "title": "A"}, {"item_id": "b"}, {"item_id": "a", "title": "again"}])
    items, interactions, report = import_(
        log_of(events), table, min_rating=2, min_user=2, min_item=2, no_text="drop"
    )
    assert [json.loads(line)["item_id"] for line in interactions.splitlines()] == ["a", "a"]
    assert items == b'{"item_id":"a","title":"A"}\n'
    row = report.to_row()
    assert row["read"] == {"interactions": 7, "users": 3, "items": 4}
    lost = {name: loss["interactions"] for name, loss in row["losses"].items()}
    assert lost == {"rating": 1, "duplicates": 1, "core": 1, "text": 2}
    assert row["losses"]["core"] == {"interactions": 1, "users": 1, "items": 1}
    assert (row["repeated_items"], row["below_core"]) == (1, 2)
    assert any("below the core" in warning for warning in row["warnings"])


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (
            [("u", "a", 10**9, 1.0), ("u", "b", 10**9, 1.0)],
            "100% of neighbouring events of a user have the same time",
        ),
        (
            [("u", "a", 1, 1.0), ("u", "b", 2, 1.0)],
            "the times only order the events: a split by time is impossible",
        ),
        ([("u ", "a", 10**9, 1.0)], "1 ids begin or end with white space, which is part of them"),
        ([("u", "a", -5, 1.0), *[("u", "b", 10**9, 1.0)] * 2], "1 events lie before 1970 or after 2100"),
        (
            [("u", "a", 32_503_680_000, 1.0), *[("u", "b", 10**9, 1.0)] * 2],
            "1 events lie before 1970 or after 2100",
        ),
        ([("u", "a", 10**9, 1.0)], "1 of 1 items have no text, which genair archetype needs"),
    ],
)
def test_what_matters_is_warned_of(log, said):
    *_, report = import_(log_of(log), duplicates="keep")
    assert any(warning.startswith(said) for warning in report.warnings())


def test_a_clean_log_is_warned_of_in_nothing():
    log = log_of([("u", "a", 10**9, 1.0), ("u", "b", 10**9 + 5, 1.0)])
    table = jsonl([{"item_id": "a", "title": "A"}, {"item_id": "b", "title": "B"}])
    *_, report = import_(log, table)
    assert list(report.warnings()) == []
    assert next(iter(report.lines())) == "1 users, 2 items, 2 interactions"


def test_without_times_the_input_is_the_order_and_no_time_is_written():
    _, interactions, report = import_(b"user_id,item_id\nu,b\nv,c\nu,a\nu,a\n")
    assert interactions == (
        b'{"user_id":"u","item_id":"b"}\n{"user_id":"u","item_id":"a"}\n{"user_id":"u","item_id":"a"}\n'
        b'{"user_id":"v","item_id":"c"}\n'
    )
    assert next(iter(report.warnings())).startswith("no times: ")


@pytest.mark.parametrize(
    ("log", "filters", "said"),
    [
        (b"", {}, "log: no interactions: the input is empty"),
        (b"user_id,item_id\n", {}, "log: no interactions: the input is empty"),
        (b"user_id,item_id\nu,i\n", {"min_user": 2}, "log: nothing is left of 1 events: core took 1"),
        (b"user_id,item_id\nu,i\n", {"no_text": "drop"}, "log: nothing is left of 1 events: text took 1"),
    ],
)
def test_nothing_is_an_error_that_says_why(log, filters, said):
    with pytest.raises(InputError) as caught:
        import_(log, **filters)
    assert str(caught.value) == said


def test_skipped_are_bad_records_of_both_inputs_in_their_order():
    skipped = []
    log = b'user_id,item_id\nu,i\n,j\nu\n"torn,k\n'
    table = b'{"item_id":"i"}\nno json\n{"title":"x"}\n{"item_id":"i","x":' + b"[" * 900 + b"]" * 900 + b"}\n"
    import_(log, table, skipped=skipped)
    assert [error.partition(": ")[0] for error in skipped] == [
        "log:3",
        "log:4",
        "log:5",
        "table:2",
        "table:3",
    ]


def test_what_is_nested_too_deep_is_skipped(monkeypatch):
    skipped = []
    deep = b'{"item_id":"i","x":' + b"[" * 1000 + b'"a"' + b"]" * 1000 + b"}\n"
    import_(b"user_id,item_id\nu,i\n", deep, skipped=skipped)
    assert len(skipped) == 1
    assert skipped[0].startswith("table:1: ")


@pytest.mark.parametrize("form", ["amazon", "table"])
def test_megabytes_of_nonsense_before_the_first_event_change_nothing(form):
    skipped = []
    review = {"reviewerID": "u", "asin": "i", "unixReviewTime": 10**9, "overall": 5}
    event = {"user_id": "u", "item_id": "i", "timestamp": 10**9, "rating": 5}
    log = jsonl([review if form == "amazon" else event])
    nonsense = (b"{" + b"x" * 998 + b"\n") * 6000
    *_, report = import_(nonsense + log, form=form, skipped=skipped)
    assert len(skipped) == 6000
    assert report.clock.form == "s"
    assert report.clock.guessed == (form == "table")
    assert report.summary.interactions == 1
