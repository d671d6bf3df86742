"""Memory that is free goes back to the system."""

import ctypes
import platform
from pathlib import Path

import pytest

from genair.device import release_memory

MIB = 1 << 20
PIECE = 100_000  # bytes: small enough for the heap


def _anonymous():
    lines = Path("/proc/self/status").read_text().split("\n")
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_what_lies_between_pieces_in_use_goes_back():
    pieces = [bytearray(PIECE) for _ in range(2000)]
    kept = pieces[::20]
    del pieces
    before = _anonymous()
    release_memory()
    assert before - _anonymous() > 100 * MIB
    assert len(kept) == 100


def test_another_c_library_is_let_be(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: object())
    release_memory()
