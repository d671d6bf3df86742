"""Files as publishers make them: plain, gzip or Zstandard, told by their first bytes, not by their name.

What is read passes by once, unpacked on its way, and nothing is held: a file that unpacks to far more than it
weighs costs time, not memory.
"""

import gzip
import hashlib
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, cast

from genair.errors import InputError, MissingExtraError
from genair.io.spool import spooled_input

_REFUSED = {
    b"PK\x03\x04": "is a zip archive: unpack it and name the file inside",
    b"BZh": "is bzip2: unpack it first",
    b"\xfd7zXZ": "is xz: unpack it first",
}
_BLOCK = 1 << 20


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Digested:
    """A stream that digests what passes."""

    def __init__(self, stream: _Readable) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(size)
        self.digest.update(data)
        return data


class _Tapped(io.RawIOBase):
    """A stream whose beginning can be looked at before it is read."""

    def __init__(self, stream: _Readable) -> None:
        self._stream = stream
        self._head = b""

    def head(self, size: int) -> bytes:
        """Return the first `size` bytes, fewer at the end, without taking them."""
        while len(self._head) < size and (more := self._stream.read(size - len(self._head))):
            self._head += more
        return self._head[:size]

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401
        data = self._head[: len(buffer)] or self._stream.read(len(buffer))
        self._head = self._head[len(data) :]
        buffer[: len(data)] = data
        return len(data)

    def readable(self) -> bool:
        return True


@dataclass(frozen=True)
class _Unpacker:
    """One kind of compression: its name, its magic, how to read it, and what that raises of damaged data."""

    name: str
    magic: bytes
    load: Callable[[], tuple[Callable[[io.BufferedReader], _Readable], type[Exception]]]


def _load_gzip() -> tuple[Callable[[io.BufferedReader], _Readable], type[Exception]]:
    return lambda packed: gzip.GzipFile(fileobj=packed), zlib.error


def _load_zstd() -> tuple[Callable[[io.BufferedReader], _Readable], type[Exception]]:
    try:
        from backports import zstd  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError.of("backports.zstd", "zstd") from error
    return zstd.ZstdFile, zstd.ZstdError


_UNPACKERS = (
    _Unpacker("gzip", b"\x1f\x8b", _load_gzip),
    _Unpacker("Zstandard", b"\x28\xb5\x2f\xfd", _load_zstd),
)


class Dump:
    """An input, unpacked.

    Attributes:
        name: what errors call it.
    """

    def __init__(self, stream: IO[bytes], name: str, path: Path | None = None) -> None:
        """Take an open binary stream, and the path of the file that it comes from, if it is one.

        Raises:
            InputError: it is packed in a way that is not read here, or twice.
            MissingExtraError: it is Zstandard, and the library for it is missing.
        """
        self.name = name
        self._path = path
        self._raw = _Digested(stream)
        self._plain = _Tapped(self._raw)
        self._damaged: type[Exception] = EOFError
        self._unpacker = self._unpacker_of(self._plain.head(4))
        if self._unpacker is not None:
            unpacked, self._damaged = self._unpacker.load()
            self._plain = _Tapped(unpacked(io.BufferedReader(self._plain, _BLOCK)))
        self._refuse(self.head(5))

    @property
    def sha256(self) -> str:
        """Return the hex digest of the input as it lies there, packed, as far as it was read."""
        return self._raw.digest.hexdigest()

    def head(self, size: int) -> bytes:
        """Return the first plain bytes without taking them.

        Raises:
            InputError: the input is packed and damaged.
        """
        with self._readable():
            return self._plain.head(size)

    def blocks(self, size: int = _BLOCK) -> Iterator[bytes]:
        """Yield the plain bytes.

        Raises:
            InputError: the input is packed and damaged.
        """
        with self._readable():
            while block := self._plain.read(size):
                yield block

    @contextmanager
    def seekable(self) -> Iterator[Path]:
        """Yield the path of a file with the plain bytes, for formats that have to seek.

        Raises:
            InputError: the input is packed and damaged.
        """
        if self._path is not None and self._unpacker is None:
            for _ in self.blocks():  # for the digest
                pass
            yield self._path
            return
        with ExitStack() as stack:
            with self._readable():
                path = stack.enter_context(spooled_input(cast(IO[bytes], self._plain)))
            yield path

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, gzip.BadGzipFile, self._damaged) as error:
            kind = self._unpacker.name if self._unpacker else "packed"
            raise InputError(f"the {kind} data is damaged or cut off ({error})", where=self.name) from error

    @staticmethod
    def _unpacker_of(start: bytes) -> _Unpacker | None:
        return next((one for one in _UNPACKERS if start.startswith(one.magic)), None)

    def _refuse(self, start: bytes) -> None:
        for magic, why in _REFUSED.items():
            if start.startswith(magic):
                raise InputError(why, where=self.name)
        if self._unpacker is not None and self._unpacker_of(start):
            raise InputError("is packed twice: unpack it once first", where=self.name)
