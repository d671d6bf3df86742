"""JSON lines: what is written reads back, and a broken line is named."""

import gzip
import hashlib
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.errors import GenairError, InputError
from genair.io.jsonl import HashingReader, blocks_of, encode_line, parse_line, read_jsonl, read_records
from genair.records import Failed

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
LEAF = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
VALUE = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
)
ROWS = st.lists(st.dictionaries(TEXT, VALUE, max_size=4), max_size=5)


def read(data):
    return list(read_jsonl(io.BytesIO(data), "a.jsonl"))


@given(ROWS)
@settings(deadline=None, max_examples=80)
def test_what_is_written_reads_back_the_same(rows):
    found = read(b"".join(map(encode_line, rows)))
    assert [where for where, _ in found] == [f"a.jsonl:{number}" for number in range(1, len(rows) + 1)]
    assert repr([row for _, row in found]) == repr(rows)  # 1, 1.0 and True differ in it


@given(ROWS)
@settings(deadline=None, max_examples=25)
def test_other_readers_of_json_agree(rows):
    assert repr([json.loads(encode_line(row)) for row in rows]) == repr(rows)


@pytest.mark.parametrize(
    "text", ["\u2028", "\u2029", "\x85", "\x0b\x0c\x1c", "🧔🏽‍♀️", "a\r\nb", "\ufeff", "\x00"]
)
def test_no_character_splits_a_line(tmp_path, text):
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        encode_line({"text": text}) + json.dumps({"text": text}, ensure_ascii=False).encode() + b"\n"
    )
    with path.open("rb") as stream:
        assert [row for _, row in read_jsonl(stream, "a")] == [{"text": text}, {"text": text}]


def test_keys_keep_their_order():
    assert encode_line({"b": 1, "a": "é"}) == '{"b":1,"a":"é"}\n'.encode()


def test_blank_lines_are_skipped_but_counted():
    assert read(b'\n{"a":1}\n \t\r\n\n{"a":2}') == [("a.jsonl:2", {"a": 1}), ("a.jsonl:5", {"a": 2})]


def test_a_byte_order_mark_and_carriage_returns_are_tolerated():
    assert [row for _, row in read(b'\xef\xbb\xbf{"a":1}\r\n{"a":2}\r\n')] == [{"a": 1}, {"a": 2}]


def test_a_lone_carriage_return_ends_no_line():
    assert read(b'{"a":1,\r"b":2}\n') == [("a.jsonl:1", {"a": 1, "b": 2})]


def test_a_byte_order_mark_anywhere_else_is_broken():
    with pytest.raises(InputError, match=r"^a.jsonl:2: broken JSON"):
        read(b'{"a":1}\n\xef\xbb\xbf{"a":2}\n')


def test_a_torn_last_line_is_named():
    with pytest.raises(InputError, match=r"^a.jsonl:2: broken JSON .*the last line seems cut off") as caught:
        read(b'{"a":1}\n{"a":2,"b":"hal')
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"{'a':1}",
        b'{"a":1,}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":1e999}',
        b'{"a":1}{"a":2}',
        b'{"a":"\xff"}',
        b'{"a":"caf\xe9"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\udc00\\ud800"}',
        b'{"a":"\x07"}',
        b"\x1f\x8b\x08\x00",
        b'{"a":' * 2000,
    ],
)
def test_a_broken_line_in_the_middle_is_named_and_not_called_torn(line):
    with pytest.raises(InputError, match=r"^a.jsonl:2: broken JSON") as caught:
        read(b'{"a":1}\n' + line + b'\n{"a":2}\n')
    assert "cut off" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "kind"), [(b"[1]", "list"), (b'"a"', "str"), (b"1", "int"), (b"null", "NoneType")]
)
def test_a_line_that_is_no_object_says_what_it_is(line, kind):
    with pytest.raises(InputError, match=f"^w: expected a JSON object, found {kind}$"):
        parse_line(line, "w")


def test_broken_lines_can_come_as_failures_in_their_place():
    data = b'{"a":1}\n{oops \xff\n{"a":2}\n[3]\n'
    records = list(read_records(io.BytesIO(data), "a.jsonl"))
    assert [where for where, _ in records] == [f"a.jsonl:{number}" for number in (1, 2, 3, 4)]
    assert [row for _, row in records][::2] == [{"a": 1}, {"a": 2}]
    bad = [row for _, row in records][1::2]
    assert [type(one) for one in bad] == [Failed, Failed]
    assert [(one.error.where, one.line) for one in bad] == [
        ("a.jsonl:2", "{oops �\n"),
        ("a.jsonl:4", "[3]\n"),
    ]


@given(ROWS)
@settings(deadline=None, max_examples=25)
def test_where_nothing_is_broken_records_are_rows(rows):
    data = b"".join(map(encode_line, rows))
    assert list(read_records(io.BytesIO(data), "a.jsonl")) == read(data)


@pytest.mark.parametrize(
    "value",
    ["\ud800", "a\udfff", object(), {1, 2}, 2**64, -(2**63) - 1, b"bytes", {1: "a"}],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_json_form_is_refused(value):
    with pytest.raises(GenairError, match=r"^cannot write as JSON: "):
        encode_line({"a": value})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [None, {"b": -float("inf")}]])
def test_numbers_that_are_not_finite_do_not_turn_into_null(value):
    with pytest.raises(GenairError, match="cannot write as JSON"):
        encode_line({"a": value})


def test_null_itself_is_written():
    assert encode_line({"a": None}) == b'{"a":null}\n'


def test_rows_come_before_the_rest_is_read():
    def lines():
        yield b'{"a":1}\n'
        raise AssertionError("read ahead")

    assert next(read_jsonl(lines(), "a")) == ("a:1", {"a": 1})


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-9],
        lambda data: data[: len(data) // 2],
        lambda data: data[:30] + bytes([data[30] ^ 255]) + data[31:],
        lambda data: data[:-6] + b"\x00\x00" + data[-4:],
        lambda _: b"not gzip at all",
    ],
)
def test_damaged_gzip_is_an_input_error(tmp_path, damage):
    lines = [encode_line({"a": hashlib.sha256(bytes([i])).hexdigest()}) for i in range(50)]
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(damage(gzip.compress(b"".join(lines))))
    with gzip.open(path) as stream, pytest.raises(InputError, match=r"^a\.jsonl\.gz(:\d+)?: "):
        list(read_jsonl(stream, "a.jsonl.gz"))


def test_whole_gzip_reads_like_the_plain_file(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"a":1}\n') + gzip.compress(b'{"a":2}\n'))
    with gzip.open(path) as stream:
        assert [row for _, row in read_jsonl(stream, "a")] == [{"a": 1}, {"a": 2}]


@given(st.binary(max_size=200))
@settings(deadline=None, max_examples=60)
def test_the_digest_is_of_what_passed(data):
    reader = HashingReader(io.BytesIO(data))
    assert b"".join(reader) == data
    assert reader.sha256 == hashlib.sha256(data).hexdigest()


@given(st.lists(st.binary(min_size=1, max_size=9), max_size=9))
@settings(deadline=None, max_examples=60)
def test_blocks_have_the_lines_and_the_digest_is_of_all_bytes(pieces):
    data = b"\xef\xbb\xbf" + b"".join(pieces)
    reader = HashingReader(io.BytesIO(data))
    assert b"".join(block.data for block in blocks_of(reader, "a")) == data[3:]
    assert reader.sha256 == hashlib.sha256(data).hexdigest()


def test_blocks_of_damaged_gzip_are_an_input_error(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"a":1}\n' * 50)[:-9])
    with gzip.open(path) as stream, pytest.raises(InputError, match=r"^a: the gzip data is damaged"):
        list(blocks_of(HashingReader(stream), "a"))


def test_what_was_not_read_is_not_in_the_digest():
    reader = HashingReader(io.BytesIO(b"one\ntwo\n"))
    assert next(iter(reader)) == b"one\n"
    assert reader.sha256 == hashlib.sha256(b"one\n").hexdigest()
