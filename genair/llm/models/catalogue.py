"""What models are here: the embedded one, those below $GENAIR_MODELS, those in the Hugging Face cache."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from genair.errors import GenairError
from genair.llm.facts import ModelFacts
from genair.llm.models import hub
from genair.llm.models.configs import folder_facts, is_model_folder
from genair.llm.models.digests import known_sha256, sha256_of
from genair.llm.models.files import ModelFile, embedded_model, models_below, models_of_hub
from genair.llm.models.headers import facts_of
from genair.llm.models.prepared import AS_IS, reason_as_is
from genair.llm.models.shelf import Shelf


@dataclass(frozen=True)
class Listed:
    """A model that is here.

    Attributes:
        name: what `--model` takes.
        backend: what can run it.
        path: its file or folder.
        size: bytes on the disk.
        facts: what it says of itself; None if it cannot be read.
        sha256: hex digest of its file; empty if nobody computed it, or it is a folder.
        runs: what runs when it is used, e.g. `f16`; empty if that is not known yet.
        problem: why it cannot be used; empty if it can.
    """

    name: str
    backend: str
    path: Path
    size: int
    facts: ModelFacts | None
    sha256: str = ""
    runs: str = ""
    problem: str = ""


def gguf_models() -> Iterator[ModelFile]:
    """Yield the GGUF models that are here, each once."""
    embedded = embedded_model()
    seen = set()
    for model in chain([embedded] if embedded else [], models_below(), models_of_hub()):
        if model.path.resolve() not in seen:
            seen.add(model.path.resolve())
            yield model


def folder_models() -> Iterator[tuple[str, Path]]:
    """Yield (name, folder) of the models in the Hugging Face cache that transformers can run."""
    return ((name, folder) for name, folder in hub.snapshots() if is_model_folder(folder))


def catalogue(*, digests: bool = False) -> Iterator[Listed]:
    """Yield the models that are here.

    Args:
        digests: whether to compute the digests that nobody computed yet, which reads the whole files.
    """
    for model in gguf_models():
        yield _listed_gguf(model, digests=digests)
    for name, folder in folder_models():
        yield _listed_folder(name, folder)


def _listed_gguf(model: ModelFile, *, digests: bool) -> Listed:
    size = 0
    try:
        size = sum(path.stat().st_size for path in model.parts)
        sha256 = sha256_of(model.parts) if digests else known_sha256(model.parts) or ""
        facts = facts_of(model)
    except GenairError as error:
        return Listed(model.name, "llamacpp", model.path, size, None, problem=error.message)
    except OSError as error:
        problem = f"{error.filename}: {error.strerror}"
        return Listed(model.name, "llamacpp", model.path, size, None, problem=problem)
    return Listed(model.name, "llamacpp", model.path, size, facts, sha256, _runs(facts, sha256))


def _runs(facts: ModelFacts, sha256: str) -> str:
    if reason_as_is(facts):
        return AS_IS
    choice = Shelf(sha256).choice() if sha256 else None
    return choice.runs if choice else ""


def _listed_folder(name: str, folder: Path) -> Listed:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    try:
        return Listed(name, "transformers", folder, size, folder_facts(folder), runs=AS_IS)
    except (GenairError, OSError) as error:
        return Listed(name, "transformers", folder, size, None, problem=str(error))
