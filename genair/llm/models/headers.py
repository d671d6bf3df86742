"""Facts of GGUF files, asked of llama.cpp once and noted for as long as the file does not change."""

import dataclasses

from genair.errors import GenairError, InputError
from genair.llm.facts import ModelFacts
from genair.llm.llamacpp.version import llama_cpp_version
from genair.llm.models.aside import CrashedError, aside
from genair.llm.models.cache import recall, remember, state_of
from genair.llm.models.files import ModelFile

_KIND = "facts"
_FORMAT = 1
_TIMEOUT_S = 120.0


def facts_of(model: ModelFile, *, fresh: bool = False) -> ModelFacts:
    """Return what a model file says of itself; its weights are not read.

    Args:
        model: the file.
        fresh: whether to ask even if there is a note.

    Raises:
        InputError: llama.cpp cannot load the file; the message says why.
        GenairError: a part is missing.
        MissingExtraError: llama-cpp-python is not installed, or too old.
    """
    try:
        about = [_FORMAT, llama_cpp_version(), state_of(model.parts)]
    except OSError as error:
        raise GenairError(error.strerror or "cannot be read", where=str(error.filename)) from error
    note = None if fresh else recall(_KIND, about)
    if note is not None and note.keys() == ModelFacts.__dataclass_fields__.keys():
        return ModelFacts(**note)
    try:
        answer = aside("genair.llm.llamacpp.gguf:read_facts", str(model.path), timeout_s=_TIMEOUT_S)
    except CrashedError as error:
        raise InputError(
            f"damaged: llama.cpp crashes when it loads this model ({error.message})", where=str(model.path)
        ) from error
    facts = ModelFacts(**answer)
    remember(_KIND, about, dataclasses.asdict(facts))
    return facts
