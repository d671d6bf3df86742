"""A file for HDF5 to write to that never fails in its hands: HDF5 ends the process when a disk is full."""

from typing import IO


class Disk:
    """Keeps the first error, swallows later writes, and raises it when asked."""

    def __init__(self, raw: IO[bytes]) -> None:
        """Wrap an unbuffered file, open for reading and writing."""
        self._raw = raw
        self._error: OSError | None = None

    def check(self) -> None:
        """Raise the first error there was.

        Raises:
            OSError: the disk was full, or a write failed in another way.
        """
        if self._error is not None:
            raise self._error

    def write(self, data: bytes) -> int:
        """Write all of `data`, or remember why not; say that it was written."""
        left = memoryview(data)
        try:
            while left and self._error is None:
                left = left[self._raw.write(left) :]
        except OSError as error:
            self._error = error
        self._raw.seek(len(left), 1)
        return len(data)

    def truncate(self, size: int) -> int:
        """Cut or extend the file, or remember why not."""
        try:
            self._raw.truncate(size)
        except OSError as error:
            self._error = self._error or error
        return size

    def read(self, size: int = -1) -> bytes:
        """Return at most `size` bytes."""
        return self._raw.read(size)

    def readinto(self, buffer: memoryview) -> int:
        """Fill a buffer."""
        return int(self._raw.readinto(buffer))  # type: ignore[attr-defined]

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to a place."""
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        """Return the place."""
        return self._raw.tell()

    def flush(self) -> None:
        """Do nothing: the file has no buffer."""
