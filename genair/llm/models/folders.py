"""Hugging Face folders: which one a model's name stands for, and those made of GGUF files.

A name stands for a folder with a config.json, a Hub id whose cached repository is one, or else the GGUF file
that it means anywhere. A folder's digest is that of the digests of all files in it that shape what the model
says: weights, config, tokenizer and chat template, by name.
"""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from genair.device import dtype_name, resolve_device, resolve_dtype
from genair.errors import GenairError, InputError, MissingExtraError
from genair.llm.base import BackendSpec
from genair.llm.models import hub
from genair.llm.models.configs import is_model_folder
from genair.llm.models.digests import folder_sha256
from genair.llm.models.files import ModelFile, find_model
from genair.llm.models.shelf import FOLDER, Shelf

Notify = Callable[[str], None]


@dataclass(frozen=True)
class ModelFolder:
    """A model as its user named it.

    Attributes:
        name: what provenance calls it.
        path: the folder to load.
        sha256: hex digest of the folder, or of the GGUF it was made of.
    """

    name: str
    path: Path
    sha256: str


def folder_spec(
    model: str, parallel: int, device: str, dtype: str, *, download: bool, notify: Notify
) -> BackendSpec:
    """Return what is needed to open a model with transformers.

    Args:
        model: see the module's first lines.
        parallel: sequences decoded together.
        device: see `genair.device.resolve_device`.
        dtype: see `genair.device.resolve_dtype`.
        download: whether a Hub id that is not in the cache may be downloaded.
        notify: told in a line what is done, when it takes time.

    Raises:
        UsageError: no model has that name, or this machine has no such device.
        InputError: the file or folder is not a model.
        GenairError: it cannot be converted or downloaded.
        MissingExtraError: transformers is not installed.
    """
    if importlib.util.find_spec("transformers") is None:
        raise MissingExtraError.of("transformers", "transformers")
    place = resolve_device(device)
    held = dtype_name(resolve_dtype(dtype, place))
    found = find_folder(model, download=download, notify=notify)
    return BackendSpec(
        backend="transformers",
        model=str(found.path),
        name=found.name,
        sha256=found.sha256,
        runs=f"{held} {place.type}",
        parallel=parallel,
        device=str(place),
        dtype=held,
    )


def find_folder(model: str, *, download: bool, notify: Notify) -> ModelFolder:
    """Return the folder that a name stands for, made of a GGUF if need be; see `folder_spec`."""
    path = Path(model)
    if model and path.is_dir() and (is_model_folder(path) or not any(path.rglob("*.gguf"))):
        return ModelFolder(path.resolve().name, path, folder_digest(path))
    if hub.is_hub_id(model) and not model.endswith(".gguf") and not path.exists():
        snapshot = hub.snapshot_of(model)
        if snapshot is None and download:
            snapshot = hub.fetch_folder(model)
        if snapshot is not None and is_model_folder(snapshot):
            return ModelFolder(model, snapshot, folder_digest(snapshot))
    file = find_model(model, download=download)
    return ModelFolder(file.name, converted_copy(file, notify), file.sha256)


def folder_digest(folder: Path) -> str:
    """Return the digest of a model folder; see the module's first lines.

    Raises:
        InputError: it has no config or no weights.
    """
    if not (folder / "config.json").is_file():
        raise InputError("not a model folder: it has no config.json", where=str(folder))
    if not is_model_folder(folder):
        raise InputError("not a model folder that can be used: it has no .safetensors", where=str(folder))
    return folder_sha256(folder)


def converted_copy(model: ModelFile, notify: Notify) -> Path:
    """Return the Hugging Face folder made of a GGUF, making it first if need be; it appears whole.

    Raises:
        InputError: it cannot be converted.
        GenairError: it cannot be written.
    """
    shelf = Shelf(model.sha256)
    target = shelf.path(FOLDER)
    if shelf.label(FOLDER) is not None:
        return target
    if len(model.parts) > 1:
        raise InputError("transformers reads no GGUF in several parts", where=str(model.path))
    from genair.llm.transformers_.conversion import convert

    try:
        with shelf.locked() as scratch:
            if shelf.label(FOLDER) is None:  # nobody else made it meanwhile
                notify(f"converting {model.name} for transformers once, kept in {target}")
                convert(model.path, scratch / FOLDER)
                shelf.install(scratch / FOLDER, FOLDER, model.name)
    except OSError as error:
        raise GenairError(
            f"cannot prepare the model ({error.strerror}): set GENAIR_CACHE", where=str(shelf.folder)
        ) from error
    return target
