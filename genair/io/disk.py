"""A file for HDF5 to write to that never fails in its hands: HDF5 ends the process when a disk is full."""

import io
import os
from typing import IO


class Disk:
    """Keeps the first error, and raises it when asked; later writes it keeps in memory, to be read again.

    HDF5 may read what it has just written, and would make of other bytes what it likes.
    """

    def __init__(self, raw: IO[bytes], name: str) -> None:
        """Wrap an unbuffered file, open for reading and writing; errors say its name."""
        self._raw, self._name = raw, name
        self._error: OSError | None = None
        self._kept: list[tuple[int, bytes]] = []  # (place, what should be there), later ones over earlier

    def check(self) -> None:
        """Raise the first error there was.

        Raises:
            OSError: the disk was full, or a write failed in another way.
        """
        if self._error is not None:
            raise self._error

    def leave(self) -> None:
        """Let the file be closed by others: what HDF5 still writes goes nowhere.

        A signal may have left its file open, to be closed whenever Python finds that nobody has it any more.
        """
        self._raw = io.BytesIO()

    def write(self, data: bytes) -> int:
        """Write all of `data`, or remember why not; say that it was written."""
        left = memoryview(data)
        try:
            while left and self._error is None:
                left = left[self._raw.write(left) :]
        except OSError as error:
            self._keep(error)
        if left:
            self._kept.append((self._raw.tell(), bytes(left)))
            self._raw.seek(len(left), 1)
        return len(data)

    def truncate(self, size: int) -> int:
        """Cut or extend the file, or remember why not."""
        try:
            self._raw.truncate(size)
        except OSError as error:
            self._keep(error)
        return size

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes."""
        buffer = bytearray(size)
        return bytes(buffer[: self.readinto(memoryview(buffer))])

    def readinto(self, buffer: memoryview) -> int:
        """Fill a buffer, and return how much of it."""
        place = self._raw.tell()
        count = int(self._raw.readinto(buffer))  # type: ignore[attr-defined]
        if self._kept:
            buffer[count:] = bytes(len(buffer) - count)
        for start, data in self._kept:
            first, last = max(start, place), min(start + len(data), place + len(buffer))
            if first < last:
                buffer[first - place : last - place] = data[first - start : last - start]
                count = max(count, last - place)
        self._raw.seek(place + count)
        return count

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to a place."""
        place = self._raw.seek(offset, whence)
        if whence == os.SEEK_END:
            ends = [start + len(data) + offset for start, data in self._kept]
            place = self._raw.seek(max([place, *ends]))
        return place

    def tell(self) -> int:
        """Return the place."""
        return self._raw.tell()

    def _keep(self, error: OSError) -> None:
        error.filename = self._name
        self._error = self._error or error

    def flush(self) -> None:
        """Do nothing: the file has no buffer."""
