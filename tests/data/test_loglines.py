"""Lines as columns: whatever the lines are, columns and errors are those of reading them one by one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.data import loglines
from genair.data.loglines import read_lines
from genair.errors import InputError, shown
from genair.io.blocks import Block
from genair.io.jsonl import encode_line, read_jsonl
from genair.records import require_id

NUMBERS = [
    *("0", "-0", "-0.0", "1454112000", "-7", "1.5", "0.1", "1e3", "1E+3", "5e-324", "1.7976931348623157e308"),
    *("9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775809"),
    *("18446744073709551616", "123456789012345678901234567890", "1e400", "-1e400", "9" * 400),
    *("NaN", "Infinity", "-", "01", "1.", ".5", "+1", "1e", "0x10", "1_000"),
]
STRINGS = [
    *(
        '"u"',
        '"v"',
        '"007"',
        '" 7 "',
        '""',
        '"é"',
        '"\u2028"',
        '"\x85"',
        '"🧔🏽‍♀️"',
        '"\ufeff"',
        '"\x7f"',
        '"\0"',
    ),
    *('"\\""', '"\\\\"', '"\\/"', '"a\\nb"', '"\\u00e9"', '"\\u0041"', '"\\u0000"', '"\\ud83d\\ude00"'),
    *(
        '"\\ud83d"',
        '"\\ud83dx"',
        '"\\ude00"',
        '"\\ude00\\ud83d"',
        '"\\ud83d\\u0041"',
        '"\\q"',
        '"\\u12"',
        '"\t"',
    ),
    *(
        '"user_id"',
        '"\\"user_id\\":\\"u\\""',
        '"item_id\\":\\""',
        '"timestamp"',
        '"a\\',
        '"' + "x" * 3000 + '"',
    ),
]
OTHERS = [
    *("null", "true", "false", "nul", "[]", "[1,]", "[[[1]]]", "{}", '{"a":1,"a":2}', '{"user_id":"w"}', ""),
    *('{"timestamp":3}', '["user_id"]', "[" * 1100 + "]" * 1100, '{"a":' * 1010 + "1" + "}" * 1010, "//"),
]
KEYS = ['"user_id"', '"item_id"', '"timestamp"']
STRANGE_KEYS = [
    '"x"',
    '"user\\u005fid"',
    '"\\u0075ser_id"',
    '"timestamp\\n"',
    '""',
    '"\\ud800"',
    "user_id",
    '"time"',
]
PLAIN = st.sampled_from(['"u"', '"v"', '"é"', '"a\\"b"', '"\\u2028"'])
VALUE = st.sampled_from(NUMBERS) | st.sampled_from(STRINGS) | st.sampled_from(OTHERS)
TIME = st.sampled_from(NUMBERS[:12])
END = st.sampled_from(
    ["\n"] * 60 + ["\r\n", " \n", "\r", "", "\n\n", "\n \t\n", "\x0c\n", "x\n", ",\n", "\0\n", "\xa0\n"]
)


@st.composite
def good_fields(draw, timed):
    found = {'"user_id"': draw(PLAIN), '"item_id"': draw(PLAIN)} | (
        {'"timestamp"': draw(TIME)} if timed else {}
    )
    return list(found.items())


@st.composite
def lines(draw):
    """Draw lines of which most are good; some have fields changed, repeated, moved, left out or put in."""
    timed = draw(st.booleans())
    colon, comma = draw(st.sampled_from([(":", ","), (": ", ", "), (" : ", " ,")]))
    text = []
    for _ in range(draw(st.integers(0, 5))):
        fields = draw(good_fields(timed))
        for _ in range(draw(st.sampled_from([0] * 9 + [1, 1, 2]))):
            more = st.tuples(st.sampled_from(KEYS) | st.sampled_from(STRANGE_KEYS), VALUE)
            fields.insert(draw(st.integers(0, len(fields))), draw(more))
        if draw(st.integers(0, 30)) == 0:
            del fields[draw(st.integers(0, len(fields) - 1))]
        inner = comma.join(f"{key}{colon}{value}" for key, value in fields)
        text.append(f"{{{inner}}}{draw(END)}")
    return "".join(text).encode()


@st.composite
def damaged(draw):
    """Draw lines with bytes changed, put in or taken out anywhere."""
    data = bytearray(draw(lines()))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        put = draw(
            st.binary(max_size=2)
            | st.sampled_from([b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\\", b'"', b"{", b"}"])
        )
        data[at : at + draw(st.integers(0, 2))] = put
    return bytes(data)


def one_by_one(data, timed):
    """Return (user, item, time) of each line, or raise the first error; no block is ever looked at."""
    events = []
    for where, row in read_jsonl(Block(b"\n" * 40 + data, 1).lines, "log"):  # line 41, so no byte order mark
        ids = require_id(row, "user_id", where), require_id(row, "item_id", where)
        time = row.get("timestamp")
        if timed is not None and timed != (time is not None):
            kind = "no timestamp here, but" if timed else "a timestamp here, but none"
            raise InputError(f"{kind} on earlier lines: all lines have one or none has", where=where)
        timed = time is not None
        if timed and type(time) not in (int, float):
            raise InputError(f"timestamp must be a number, not {shown(time)}", where=where)
        events.append((*ids, time) if timed else ids)
    return events


def outcome(read):
    """Return the events, or what is wrong with the first line that is."""
    try:
        return read()
    except InputError as error:
        return str(error)


def as_columns(data, timed):
    return read_lines(Block(data, 41), "log", timed=timed).rows()


def as_read(events):
    """Return events with times as a column has them: all of them whole, or none."""
    if isinstance(events, str) or not events or len(events[0]) < 3:
        return events
    whole = all(type(time) is int and -(2**63) <= time < 2**63 for _, _, time in events)
    return [(user, item, time if whole else float(time)) for user, item, time in events]


def assert_read_alike(data, timed):
    expected = as_read(outcome(lambda: one_by_one(data, timed)))
    assert repr(outcome(lambda: as_columns(data, timed))) == repr(expected)  # 1, 1.0 and -0.0 differ in it


@given(lines() | damaged(), st.sampled_from([None, True, False]))
@settings(deadline=None, max_examples=250)
def test_columns_and_errors_are_those_of_lines_read_one_by_one(data, timed):
    assert_read_alike(data, timed)


@pytest.mark.parametrize("key", [*KEYS, *STRANGE_KEYS])
@pytest.mark.parametrize("first", [True, False])
def test_no_value_of_any_field_is_read_in_another_way(key, first):
    event = '"user_id":"u","item_id":"i","timestamp":1'
    for value in [*NUMBERS, *STRINGS, *OTHERS]:
        for rest in (event, event.rpartition(",")[0]):
            fields = f"{key}:{value},{rest}" if first else f"{rest},{key}:{value}"
            line = f"{{{fields}}}\n".encode()
            assert_read_alike(line, None)
            assert_read_alike(f"{{{event}}}\n".encode() + line, None)


@pytest.mark.parametrize("data", [b"\x1f\x8b\x08\x00", b"x\x9c\x03\x00", b"(\xb5/\xfd\x00\x58", b"BZh9"])
def test_what_is_packed_is_no_json(data):
    with pytest.raises(InputError, match=r"^log:41: broken JSON"):
        as_columns(data, None)


@pytest.mark.parametrize(
    "lines",
    [
        [{"user_id": "u", "item_id": "i", "timestamp": 1}] * 3,
        [{"item_id": "é", "user_id": 'a"b\\', "rating": 4.5, "tags": ["x", {"y": None}]}],
        [
            {"timestamp": -1.5, "user_id": "u\n", "item_id": "\u2028"},
            {"user_id": "v", "item_id": "i", "timestamp": 2},
        ],
    ],
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_plain_lines_are_not_read_one_by_one(lines, end, monkeypatch):
    monkeypatch.setattr(loglines, "parse_line", None)
    data = b"".join(map(encode_line, lines)).replace(b"\n", end or b"\n")
    found = as_columns(data if end else data[:-1], None)
    assert [row[:2] for row in found] == [(row["user_id"], row["item_id"]) for row in lines]
