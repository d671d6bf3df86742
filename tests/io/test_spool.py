"""HDF5 through pipes: spooled whole, and nothing half done comes out."""

import io
import os
import threading

import pytest

from genair.io.spool import spooled_input, spooled_output

CONTENT = bytes(range(256)) * 2000


def test_a_pipe_becomes_a_file_and_the_file_goes_away():
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as stream, os.fdopen(write_end, "wb") as sink:
        feeder = threading.Thread(target=lambda: (sink.write(CONTENT), sink.close()))
        feeder.start()
        with spooled_input(stream) as path:
            assert path.read_bytes() == CONTENT
        feeder.join(timeout=30)
    assert not path.parent.exists()


def test_an_empty_pipe_becomes_an_empty_file():
    with spooled_input(io.BytesIO()) as path:
        assert path.stat().st_size == 0


def test_output_is_copied_at_the_end():
    stream = io.BytesIO()
    with spooled_output(stream) as path:
        path.write_bytes(CONTENT)
        assert stream.getvalue() == b""
    assert stream.getvalue() == CONTENT
    assert not path.parent.exists()


def test_all_of_it_has_left_when_the_block_ends(tmp_path):
    with (tmp_path / "out").open("wb") as stream:
        with spooled_output(stream) as path:
            path.write_bytes(b"few bytes")
        assert (tmp_path / "out").read_bytes() == b"few bytes"


def test_failed_work_writes_nothing():
    stream, paths = io.BytesIO(), []

    def fail():
        with spooled_output(stream) as path:
            path.write_bytes(b"half")
            paths.append(path)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert stream.getvalue() == b""
    assert not paths[0].parent.exists()


def test_a_reader_that_has_gone_is_a_broken_pipe():
    read_end, write_end = os.pipe()
    os.close(read_end)
    sink = os.fdopen(write_end, "wb", buffering=0)
    with pytest.raises(BrokenPipeError), sink as stream, spooled_output(stream) as path:
        path.write_bytes(CONTENT)
