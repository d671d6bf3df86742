"""A stream in blocks: nothing is lost or doubled, lines stay whole, and their numbers are right."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.errors import InputError
from genair.io.blocks import Block, read_blocks

PIECES = st.lists(st.text("ab\n\r\ufeff", max_size=6).map(str.encode), max_size=12)


@given(PIECES, st.integers(1, 8))
@settings(deadline=None, max_examples=200)
def test_blocks_are_the_stream_cut_behind_lines(pieces, size):
    data = b"".join(pieces)
    blocks = list(read_blocks(iter(pieces), "a", size))
    assert b"".join(block.data for block in blocks) == data.removeprefix(b"\xef\xbb\xbf")
    assert all(block.data.endswith(b"\n") for block in blocks[:-1])
    assert [block.first for block in blocks] == [
        1 + b"".join(block.data for block in blocks[:index]).count(b"\n") for index in range(len(blocks))
    ]


def test_a_line_is_found_by_its_number():
    block = Block(b"one\ntwo\r\n\xff\n", 41)
    assert [block.line(number) for number in (41, 42, 43)] == ["one", "two", "�"]


@given(PIECES, st.integers(1, 8))
@settings(deadline=None, max_examples=100)
def test_whole_lines_before_an_error_come_before_it(pieces, size):
    def damaged():
        yield from pieces
        raise InputError("damaged")

    data, found = b"".join(pieces), []
    with pytest.raises(InputError, match=r"^damaged$"):
        found.extend(block.data for block in read_blocks(damaged(), "a", size))
    assert b"".join(found) == data[: data.rfind(b"\n") + 1].removeprefix(b"\xef\xbb\xbf")


def test_a_byte_order_mark_is_told():
    assert [block.marked for block in read_blocks([b"\xef\xbb\xbfone\n", b"two\n"], "a", 4)] == [True, False]


def test_a_line_longer_than_a_block_is_still_a_line():
    assert [block.data for block in read_blocks(iter([b"x" * 9, b"x" * 9 + b"\ny"]), "a", 4)] == [
        b"x" * 18 + b"\n",
        b"y",
    ]


def test_a_line_without_end_is_refused_before_it_fills_the_memory():
    def endless():
        yield b"one\n"
        while True:
            yield b"0" * 1000

    with pytest.raises(InputError, match=r"^bomb:2: a line of more than 5000 bytes is no text$"):
        list(read_blocks(endless(), "bomb", size=100, longest=5000))
