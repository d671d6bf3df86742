"""Whether an id was seen before, in some forty bytes an id: catalogues have millions.

An open-addressing table of 64-bit digests beside the line each was first seen on. Two different ids meet in
one digest with probability n^2 / 2^65: one chance in 10^7 that a catalogue of two million has such a pair.
"""

import hashlib
from array import array

from genair.errors import InputError

_SMALLEST = 1 << 10
_MOST_FULL = 0.6


class UniqueIds:
    """Remembers where each id was first seen, so that the second time is an error that names both."""

    def __init__(self) -> None:
        """Start with no id seen."""
        self._count = 0
        self._resize(_SMALLEST)

    def add(self, item_id: str, where: str) -> None:
        """Take note of an id.

        Args:
            item_id: outside id.
            where: `name:line`.

        Raises:
            InputError: it was seen before.
        """
        digest = int.from_bytes(hashlib.blake2b(item_id.encode(), digest_size=8).digest(), "little") or 1
        slot = self._slot(digest)
        if self._digests[slot]:
            raise InputError(f"duplicate item_id {item_id!r}: first on line {self._lines[slot]}", where=where)
        self._digests[slot], self._lines[slot] = digest, int(where.rpartition(":")[2])
        self._count += 1
        if self._count > _MOST_FULL * len(self._digests):
            self._grow()

    def _slot(self, digest: int) -> int:
        """Return where the digest is, or the free place where it would go."""
        mask = len(self._digests) - 1
        slot = digest & mask
        while self._digests[slot] not in (0, digest):
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        digests, lines = self._digests, self._lines
        self._resize(2 * len(digests))
        for digest, line in zip(digests, lines, strict=True):
            if digest:
                slot = self._slot(digest)
                self._digests[slot], self._lines[slot] = digest, line

    def _resize(self, size: int) -> None:
        self._digests = array("Q", bytes(8 * size))
        self._lines = array("Q", bytes(8 * size))
