"""Outputs that are written in place, whose reader may go."""

import os
import threading
from pathlib import Path

import pytest

from genair.errors import ReaderClosedError
from genair.io.special import SpecialFile

MUCH = b"x" * 1_000_000  # more than a pipe holds


@pytest.fixture
def unread(tmp_path):
    """A FIFO that is opened to be read, and closed at once."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = threading.Thread(target=lambda: fifo.open("rb").close())
    reader.start()
    yield fifo
    reader.join(timeout=30)


def opened(fifo, **how):
    """Open it, and wait until its reader has gone."""
    special = SpecialFile(fifo, **how)
    while True:
        try:
            os.write(special._stream.fileno(), b"x")
        except BrokenPipeError:
            return special


@pytest.mark.parametrize("data", [b"little", MUCH])
def test_a_reader_that_has_gone_is_no_error_of_the_system(unread, data):
    special = opened(unread)
    with pytest.raises(ReaderClosedError), special as stream:
        stream.write(data)


@pytest.mark.parametrize("data", [b"little", MUCH])
def test_what_stands_aside_goes_on_without_a_reader(unread, data):
    special = opened(unread, aside=True)
    with special as stream:
        assert stream.write(data) == len(data)
        stream.flush()
        stream.write(data)


@pytest.mark.parametrize("aside", [False, True])
def test_an_error_of_the_work_is_not_hidden_by_a_reader_that_has_gone(unread, aside):
    special = opened(unread, aside=aside)
    special.write(b"little")  # into its buffer: that nobody reads it is found on closing
    with pytest.raises(ZeroDivisionError), special:
        raise ZeroDivisionError


@pytest.mark.parametrize("aside", [False, True])
def test_a_full_device_is_an_error_that_names_it(aside):
    special = SpecialFile(Path("/dev/full"), aside=aside)
    with pytest.raises(OSError, match="No space left on device: '/dev/full'"), special as stream:
        stream.write(b"little")
