"""Delimited text: two ways to read it that agree, and what cannot be read is named and costs nothing else."""

import csv
import io
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.data.importers import delimited
from genair.data.importers.delimited import Dialect, read_chunks
from genair.errors import InputError
from genair.io.blocks import Block, read_blocks

FIELD = st.text("ab,;\"'\n\r\t é\0", max_size=4)
TABLE = st.integers(2, 4).flatmap(
    lambda width: st.lists(st.lists(FIELD, min_size=width, max_size=width), min_size=1, max_size=8)
)
SPOILED = st.text('ab,"\n\r \0é', max_size=40)


def read(data, dialect=None, size=1 << 20):
    """Return the records, the numbers of their lines, and the errors."""
    rows, lines, failed = [], [], []
    blocks = read_blocks((data[at : at + size] for at in range(0, len(data), size)), "t", size)
    for chunk in read_chunks(blocks, "t", dialect or Dialect()):
        rows += zip(*(column.to_list() for column in chunk.columns.values()), strict=True)
        lines += chunk.lines.to_list()
        failed += [str(one.error) for _, one in chunk.failures]
    return rows, lines, failed


def written(table, **options):
    buffer = io.StringIO(newline="")
    lone = any("\r" in field for row in table for field in row)  # which Python's writer forgets to quote
    csv.writer(buffer, quoting=csv.QUOTE_ALL if lone else csv.QUOTE_MINIMAL, **options).writerows(table)
    return buffer.getvalue().encode()


@given(TABLE, st.integers(1, 30), st.sampled_from(["\n", "\r\n"]), st.sampled_from(",;\t|"))
@settings(deadline=None, max_examples=150)
def test_what_csv_writes_reads_back_whatever_the_blocks(table, size, end, separator):
    header = [f"column {number}" for number in range(len(table[0]))]
    data = written([header, *table], lineterminator=end, delimiter=separator)
    rows, lines, failed = read(data, Dialect(separator), size)
    assert failed == []
    assert rows == [tuple(field or None for field in row) for row in table]
    before = (
        written([header, *table[:at]], lineterminator=end, delimiter=separator) for at in range(len(table))
    )
    assert lines == [1 + text.count(b"\n") for text in before]


@given(SPOILED, st.booleans())
@settings(deadline=None, max_examples=300)
def test_the_fast_way_reads_what_the_exact_way_reads(text, literal):
    dialect = Dialect(",", ("x", "y", "z"), literal)
    block = Block(text.encode(), 7)
    fast = delimited._fast(block, dialect) if text else None
    if fast is not None:
        exact = delimited._exact(block, "t", dialect)
        assert exact.failures == []
        assert fast.lines.to_list() == exact.lines.to_list()
        for name in dialect.header:
            assert fast.columns[name].to_list() == exact.columns[name].to_list()


def test_a_field_less_and_a_field_more_do_not_make_up_for_each_other():
    rows, lines, failed = read(b"u,i\nu,i,1\nu,i,2,\n", Dialect(",", ("x", "y", "z")))
    assert (rows, lines) == ([("u", "i", "1")], [2])
    assert [error.partition(" ")[0] for error in failed] == ["t:1:", "t:3:"]


@given(st.lists(st.lists(st.text("ab é'", max_size=3), min_size=3, max_size=3), min_size=1, max_size=6))
@settings(deadline=None, max_examples=60)
def test_plain_text_goes_the_fast_way(table):
    data = b"".join(",".join(row).encode() + b"\r\n" for row in table)
    with patch.object(delimited, "_exact", side_effect=AssertionError("the slow way")):
        rows, *_ = read(data, Dialect(",", ("x", "y", "z")))
    assert rows == [tuple(field or None for field in row) for row in table]


@given(SPOILED)
@settings(deadline=None, max_examples=200)
def test_no_text_is_passed_over(text):
    """The first line that is not blank is part of a record or of an error."""
    _, lines, failed = read(text.encode(), Dialect(",", ("x", "y")))
    begun = {*lines, *(int(error.split(":")[1]) for error in failed)}
    texts = text.encode().split(b"\n")
    first = next((number for number, line in enumerate(texts, 1) if line.strip(b' \r"')), None)
    assert first is None or min(begun) <= first


def test_a_quote_may_hold_separators_quotes_and_lines():
    rows, lines, failed = read(b'id,title\n1,"a, ""b""\nand c"\n2,d\n')
    assert rows == [("1", 'a, "b"\nand c'), ("2", "d")]
    assert lines == [2, 4]
    assert failed == []


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (b'3,"never closed\n', "t:4: broken quotes (unexpected end of data)"),
        (b'3,"closed"too soon\n', "t:4: broken quotes"),
        (b"3\n", "t:4: 1 fields, but there are 2 columns"),
        (b"3,4,5\n", "t:4: 3 fields, but there are 2 columns"),
        (b"3,caf\xe9\n", "t:4: not UTF-8: --encoding says what else it is"),
        (b"3,a\rb\n", "t:4: broken quotes (new-line character seen in unquoted field"),
    ],
)
@pytest.mark.parametrize("quoted", [b"", b'1,"quoted"\n'])
def test_a_bad_record_is_named_and_the_others_stay(bad, said, quoted):
    good = quoted or b"1,plain\n"
    rows, lines, failed = read(b"id,title\n" + good + b"2,b\n" + bad + b"5,e\n6,f\n")
    assert [row[0] for row in rows] == ["1", "2", "5", "6"]
    assert lines == [2, 3, 5, 6]
    assert len(failed) == 1
    assert failed[0].startswith(said)
    assert "cut off" not in failed[0]


def test_a_torn_last_line_is_called_so():
    rows, _, failed = read(b"id,title,time\n1,a,5\n2,b")
    assert len(rows) == 1
    assert failed == [
        "t:3: 2 fields, but there are 3 columns; the last line seems cut off: remove or complete it"
    ]


def test_a_whole_last_line_needs_no_line_feed():
    assert read(b"id,title\n1,a\n2,b")[0] == [("1", "a"), ("2", "b")]


def test_blank_lines_are_nothing():
    rows, lines, failed = read(b"\n  \nid,title\n\n1,a\n \t \n\r\n2,b\n\n")
    assert (rows, lines, failed) == ([("1", "a"), ("2", "b")], [5, 8], [])


def test_a_megabyte_in_a_field_is_kept():
    title = "x" * 1_000_000
    assert read(f'id,title\n1,"{title}"\n2,{title}\n'.encode())[0] == [("1", title), ("2", title)]


def test_an_endless_quote_costs_its_line_only():
    rest = b"".join(b"%d,b\n" % number for number in range(20000))
    rows, _, failed = read(b'id,title\n0,"a\n' + rest, size=1000)
    assert len(rows) == 20000
    assert len(failed) == 1


def test_quotes_can_be_literal():
    rows, _, failed = read(b'1|5" pipe\n2|"b\n', Dialect("|", ("id", "title"), literal=True))
    assert (rows, failed) == ([("1", '5" pipe'), ("2", '"b')], [])


@pytest.mark.parametrize(
    ("header", "separator"), [("a,b", ","), ("a;b", ";"), ("a\tb", "\t"), ("a|b", "|"), ('"a,x";b;c', ";")]
)
def test_the_header_tells_the_separator(header, separator):
    rows, *_ = read(f"{header}\n{separator.join('12' if header[0] == 'a' else '123')}\n".encode())
    assert len(rows[0]) == (2 if header[0] == "a" else 3)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"a,b,a\n", r"^t: a column's name comes twice in a, b, a$"),
        (b"caf\xe9,b\n1,2\n", r"^t:1: the header cannot be read \(.*utf-8"),
        (b'"a,b\n1,2\n', r"^t:1: the header cannot be read \(unexpected end"),
    ],
)
def test_a_header_that_cannot_be_read_is_an_error(data, said):
    with pytest.raises(InputError, match=said):
        read(data)


@pytest.mark.parametrize("data", [b"", b"\n\n", b"id,title\n", b"id,title"])
def test_nothing_gives_nothing(data):
    assert read(data) == ([], [], [])
