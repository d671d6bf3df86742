"""SHA-256 of model files. Hashing gigabytes at every start would cost more than the work: it is noted."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from genair.llm.models.cache import recall, remember, state_of

_KIND = "sha256"
_BLOCK = 1 << 20


def known_sha256(files: Sequence[Path]) -> str | None:
    """Return the digest noted when these files were as they are now; None if there is no such note.

    Raises:
        OSError: one is missing.
    """
    note = recall(_KIND, state_of(files))
    return None if note is None else str(note["sha256"])


def sha256_of(files: Sequence[Path]) -> str:
    """Return the SHA-256 (hex) of files one behind the other; noted for as long as they do not change.

    Raises:
        OSError: one cannot be read.
    """
    known = known_sha256(files)
    if known is not None:
        return known
    before = state_of(files)
    digest = compute_sha256(files)
    if state_of(files) == before:
        remember(_KIND, before, {"sha256": digest, "files": before})
    return digest


def compute_sha256(files: Sequence[Path]) -> str:
    """Return the SHA-256 (hex) of files one behind the other, whatever was noted.

    Raises:
        OSError: one cannot be read.
    """
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()
