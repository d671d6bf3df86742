"""Dumps are unpacked by what they are, whatever they are called, and damage is told, never passed over."""

import gzip
import hashlib
import io
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.errors import InputError, MissingExtraError
from genair.io.dumps import Dump

TEXT = b"".join(b"%x\n" % (number * 2654435761) for number in range(5000))


def checked_zstd(data: bytes) -> bytes:  # as the command `zstd` writes it
    return zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1})


PACK = {"plain": bytes, "gzip": gzip.compress, "zstd": checked_zstd}


def dump_of(data: bytes) -> Dump:
    return Dump(io.BytesIO(data), "dump")


@pytest.mark.parametrize("pack", PACK.values(), ids=PACK)
def test_packed_or_not_the_bytes_are_the_same(pack):
    packed = pack(TEXT)  # gzip writes the time of day
    dump = dump_of(packed)
    assert dump.head(10) == TEXT[:10]
    assert dump.head(3) == TEXT[:3]
    assert b"".join(dump.blocks(1000)) == TEXT
    assert dump.sha256 == hashlib.sha256(packed).hexdigest()


@pytest.mark.parametrize("pack", PACK.values(), ids=PACK)
def test_several_members_are_read_on(pack):
    assert b"".join(dump_of(pack(b"one\n") + pack(b"two\n")).blocks()) == b"one\ntwo\n"


@given(st.binary(max_size=40))
@settings(deadline=None, max_examples=60)
def test_any_plain_bytes_come_through_or_are_refused(data):
    found = None
    with suppress(InputError):
        found = b"".join(dump_of(data).blocks(7))
    assert found in (data, None)
    assert found is not None or data.startswith((b"PK", b"BZh", b"\xfd", b"\x1f\x8b", b"\x28\xb5"))


class Trickle(io.RawIOBase):
    """A pipe whose writer sends byte by byte."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self._data.read(min(1, size))


@pytest.mark.parametrize("pack", PACK.values(), ids=PACK)
def test_a_slow_pipe_is_a_dump_like_any(pack):
    assert b"".join(Dump(Trickle(pack(TEXT[:500])), "pipe").blocks()) == TEXT[:500]


@pytest.mark.parametrize("name", ["gzip", "zstd"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-3],
        lambda data: data[: len(data) // 2],
        lambda data: data[: len(data) // 2] + b"\xff\xff\xff\xff" + data[len(data) // 2 + 4 :],
        lambda data: data + b"garbage!",
        lambda data: data[:5],
    ],
)
def test_damage_is_an_error_whatever_was_read_before(name, damage):
    with pytest.raises(InputError, match=r"^dump: the (gzip|Zstandard) data is damaged or cut off"):
        b"".join(dump_of(damage(PACK[name](TEXT))).blocks(100))


@pytest.mark.parametrize("outer", ["gzip", "zstd"])
@pytest.mark.parametrize("inner", ["gzip", "zstd"])
def test_what_is_packed_twice_is_refused(outer, inner):
    with pytest.raises(InputError, match="is packed twice"):
        dump_of(PACK[outer](PACK[inner](TEXT)))


@pytest.mark.parametrize(
    ("magic", "said"), [(b"PK\x03\x04", "zip"), (b"BZh9", "bzip2"), (b"\xfd7zXZ\x00", "xz")]
)
def test_other_archives_are_named(magic, said):
    with pytest.raises(InputError, match=said):
        dump_of(magic + b"...")


def test_a_size_bomb_is_never_held(monkeypatch):
    bomb = gzip.compress(b"\n" * 50_000_000)
    assert len(bomb) < 100_000
    largest = max(map(len, dump_of(bomb).blocks()))
    assert largest <= 1 << 20


@pytest.mark.parametrize("pack", PACK.values(), ids=PACK)
def test_a_file_to_seek_in_has_the_plain_bytes(tmp_path, pack):
    path = tmp_path / "a"
    path.write_bytes(pack(TEXT))
    with path.open("rb") as stream:
        dump = Dump(stream, "a", path)
        dump.head(20)
        with dump.seekable() as found:
            assert found.read_bytes() == TEXT
            assert (found == path) == (pack is bytes)
    assert dump.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_pipe_can_be_sought_in_too():
    dump = dump_of(TEXT)
    dump.head(20)
    with dump.seekable() as found:
        assert Path(found).read_bytes() == TEXT


def test_without_the_library_zstandard_names_the_pip_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "backports.zstd", None)
    monkeypatch.delattr("backports.zstd", raising=False)
    with pytest.raises(MissingExtraError, match=r"pip install 'genair\[zstd\]'"):
        dump_of(zstd.compress(TEXT))
