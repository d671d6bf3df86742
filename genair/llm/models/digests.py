"""SHA-256 of model files. Hashing gigabytes at every start would cost more than the work: it is noted."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from genair.llm.models.cache import recall, remember, state_of
from genair.provenance import digest_of

_KIND = "sha256"
_SHAPING = ("*.safetensors", "*.json", "*.jinja", "*.model", "*.txt")
_BLOCK = 1 << 20
_HEX = re.compile(r"[0-9a-f]{64}")


def known_sha256(files: Sequence[Path]) -> str | None:
    """Return the digest noted when these files were as they are now; None if there is no such note.

    Raises:
        OSError: one is missing.
    """
    note = recall(_KIND, state_of(files)) or {}
    sha256 = str(note.get("sha256"))
    return sha256 if _HEX.fullmatch(sha256) else None


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


def shaping_files(folder: Path) -> list[Path]:
    """Return the files of a Hugging Face folder that shape what its model says, by name."""
    return sorted({file for pattern in _SHAPING for file in folder.glob(pattern) if file.is_file()})


def folder_sha256(folder: Path, *, fresh: bool = False) -> str:
    """Return the digest (hex) of the digests of a Hugging Face folder's shaping files, by name.

    Args:
        folder: the folder.
        fresh: whether to compute them, whatever was noted.

    Raises:
        OSError: a file cannot be read.
    """
    sha256 = compute_sha256 if fresh else sha256_of
    return digest_of({file.name: sha256([file]) for file in shaping_files(folder)})
