"""Lines in the groups that they came in: whoever answers at once has all there is."""

import gzip
import io
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.errors import InputError
from genair.io.jsonl import HashingReader, encode_line, read_groups, read_records


class Pieces(io.BytesIO):
    """A stream whose reads bring given pieces, as a pipe's do."""

    def __init__(self, *pieces):
        super().__init__(b"".join(pieces))
        self._sizes = [len(piece) for piece in pieces]

    def read1(self, size=-1):
        return super().read1(self._sizes.pop(0) if self._sizes else 0)


def groups_of(stream):
    return [list(group) for group in read_groups(HashingReader(stream), "a")]


@pytest.mark.parametrize(
    ("pieces", "sizes"),
    [
        ([b'{"a":1}\n', b'{"a":2}\n{"a":3}\n'], [1, 2]),
        ([b'{"a":1}\n{"a"', b":2}\n"], [1, 1]),
        ([b'{"', b'a":', b"1}\n"], [1]),
        ([b'{"a":1}', b"\n"], [1]),
        ([b'{"a":1}\n', b'{"a":2}'], [1, 1]),
        ([b'{"a":1}\r\n\r\n', b"\n\n", b'{"a":2}\n'], [1, 0, 1]),
        ([], []),
    ],
)
def test_a_group_is_what_one_read_completes(pieces, sizes):
    assert [len(group) for group in groups_of(Pieces(*pieces))] == sizes


CHUNKS = st.lists(st.binary(min_size=1, max_size=9) | st.just(b'{"a":"\\u2028\xe2\x80\xa8"}\r\n'), max_size=9)


@given(CHUNKS)
@settings(deadline=None, max_examples=150)
def test_groups_laid_end_to_end_are_the_records(chunks):
    chunks = [b"\xef\xbb\xbf", *chunks]
    reader = HashingReader(Pieces(*chunks))
    found = [one for group in read_groups(reader, "a") for one in group]
    whole = HashingReader(io.BytesIO(b"".join(chunks)))
    assert repr(found) == repr(list(read_records(whole, "a")))
    assert reader.sha256 == whole.sha256


def test_a_pipe_is_not_waited_for_behind_what_is_there():
    end, begin = os.pipe()
    with os.fdopen(end, "rb") as stream, os.fdopen(begin, "wb", buffering=0) as pen:
        groups = read_groups(HashingReader(stream), "a")
        for number in range(3):
            pen.write(encode_line({"a": number}) + b'{"torn')  # would wait for ever if it read on
            assert [row for _, row in next(groups)] == [{"a": number}]
            pen.write(b'": 1}\n')
            assert [row for _, row in next(groups)] == [{"torn": 1}]


def test_a_long_line_without_end_is_read_in_time_that_grows_with_its_length():
    line = encode_line({"a": "x" * (1 << 25)})
    pieces = [line[start : start + 4096] for start in range(0, len(line), 4096)]
    assert [len(row["a"]) for ((_, row),) in groups_of(Pieces(*pieces))] == [1 << 25]


@pytest.mark.parametrize("cut", [-9, 40])
def test_damaged_gzip_is_an_input_error(tmp_path, cut):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(os.urandom(100).hex().encode() + b"\n")[:cut])
    with gzip.open(path) as stream, pytest.raises(InputError, match=r"^a: the gzip data is damaged"):
        groups_of(stream)
