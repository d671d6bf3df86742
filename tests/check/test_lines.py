"""Lines of a file: every one is a record, or is counted and named."""

import gzip
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.check.findings import judge
from genair.check.lines import JsonLines
from genair.check.rules import OF_LINES
from genair.io.blocks import Block
from genair.io.jsonl import HashingReader

GOOD, BROKEN, BLANK = b'{"a": 1}\n', b"{broken\n", b"\n"


def read(data, limit=2, on_lines=int):
    lines = JsonLines("a.jsonl", limit, on_lines)
    rows = []
    for block in lines.blocks(HashingReader(io.BytesIO(data))):
        for where, _ in lines.read(block):
            lines.keep()
            rows.append(int(where.rpartition(":")[2]))
    return lines, rows


def codes(lines):
    return {one.code: one.places for one in judge(OF_LINES, lines)}


@pytest.mark.parametrize(
    ("data", "code", "count", "where"),
    [
        (b"", "empty-file", 1, "a.jsonl"),
        (b"\n \n", "empty-file", 1, "a.jsonl"),
        (GOOD + BROKEN + BROKEN + BROKEN, "broken-line", 3, "a.jsonl:2"),
        (GOOD + b'{"a": "caf\xe9"}\n', "broken-line", 1, "a.jsonl:2"),
        (GOOD + b'{"a": 1', "broken-line", 1, "a.jsonl:2"),
        (GOOD + b"\x00\n", "broken-line", 1, "a.jsonl:2"),
        (GOOD + b"[1]\n", "broken-line", 1, "a.jsonl:2"),
        (b"\xef\xbb\xbf" + GOOD, "byte-order-mark", 1, "a.jsonl:1"),
        (GOOD.replace(b"\n", b"\r\n") * 2, "carriage-return", 2, "a.jsonl:1"),
        (GOOD + BLANK + GOOD + BLANK, "blank-line", 2, "a.jsonl:2"),
    ],
)
def test_what_a_line_can_have(data, code, count, where):
    found = codes(read(data)[0])
    assert found[code].count == count
    assert found[code].first[0].where == where
    assert len(found[code].first) == min(count, 2)


def test_a_plain_file_has_nothing_and_needs_no_last_line_feed():
    assert codes(read(GOOD + GOOD[:-1])[0]) == {}


def test_a_cut_gzip_says_how_much_was_read():
    packed = gzip.compress(GOOD * 100_000, mtime=0)
    lines = JsonLines("a.gz", 2, int)
    with gzip.open(io.BytesIO(packed[: len(packed) // 2])) as stream:
        count = sum(1 for block in lines.blocks(HashingReader(stream)) for _ in lines.read(block))
    found = codes(lines)["damaged-gzip"]
    assert "damaged or cut off" in found.first[0].message
    assert f"of the {count} records before" in found.first[0].message


def test_progress_is_told_by_thousands():
    told = []
    read(GOOD * 2500, on_lines=told.append)
    assert told == [1000, 1000]


@given(st.lists(st.sampled_from([1, 2, 3, -1, -2]), max_size=9))
@settings(deadline=None, max_examples=60)
def test_blocks_that_are_passed_over_count_like_those_that_are_read(sizes):
    """A positive number is a block of so many rows that is passed over, a negative one of broken lines."""
    lines, told, first, expected = JsonLines("a.jsonl", 2, int), [], 1, []
    for size in sizes:
        block = Block((GOOD if size > 0 else BROKEN) * abs(size), first)
        if size > 0:
            lines.pass_over(block, size)
            expected += range(first, first + size)
        else:
            told += lines.read(block)
        first += abs(size)
    assert told == []
    assert [lines.line_of(row) for row in range(len(expected))] == expected
    assert lines.records == len(expected)


@given(st.lists(st.sampled_from([GOOD, BROKEN, BLANK]), max_size=30))
@settings(deadline=None, max_examples=100)
def test_every_row_knows_its_line_and_no_line_is_lost(parts):
    lines, rows = read(b"".join(parts))
    assert [lines.line_of(row) for row in range(len(rows))] == rows
    assert rows == [number for number, part in enumerate(parts, start=1) if part == GOOD]
    assert lines.records + lines.broken.places.count + lines.blank.places.count == len(parts)
    places = lines.at(np.ones(len(rows), dtype=bool), str)
    assert places.count == len(rows)
    assert [place.where for place in places.first] == [f"a.jsonl:{row}" for row in rows[:2]]
