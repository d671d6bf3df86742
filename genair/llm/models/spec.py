"""What workers need to open a model: the one entry that the commands use."""

import importlib.util

from genair.config import DEFAULT_MODEL
from genair.errors import MissingExtraError, UsageError
from genair.llm import BACKENDS
from genair.llm.base import BackendSpec
from genair.llm.models.files import find_model
from genair.llm.models.folders import folder_spec
from genair.llm.models.headers import facts_of
from genair.llm.models.prepared import Notify, prepared_copy
from genair.llm.openai_.endpoint import check_url


def say_nothing(_line: str) -> None:
    """Be told, and keep it to oneself."""


def backend_spec(
    backend: str,
    model: str,
    parallel: int,
    base_url: str = "",
    key_file: str = "",
    device: str = "auto",
    dtype: str = "auto",
    *,
    download: bool = False,
    notify: Notify = say_nothing,
) -> BackendSpec:
    """Return what workers need to open `model` on `backend`, preparing the fast copy if there is none.

    Args:
        backend: name in `BACKENDS`.
        model: a name or a GGUF file; for a server, its own name for the model.
        parallel: sequences decoded, or requests made, together.
        base_url: address of the server, where there is one.
        key_file: path of the file with the key to it; empty for the environment's, if there is one.
        device: where torch computes; for `transformers`.
        dtype: how torch holds the weights; for `transformers`.
        download: whether a Hugging Face id that is not in the cache may be downloaded.
        notify: told in a line what is done, when it takes time.

    Raises:
        UsageError: no backend or model has that name, or a server's address is missing or out of place.
        InputError: the file is not a model that can be loaded, or has another digest than the pinned one.
        GenairError: its fast copy cannot be made, or it cannot be downloaded.
        MissingExtraError: the backend or the embedded model is not installed.
    """
    BACKENDS.check(backend)
    if backend != "openai" and (base_url or key_file):
        raise UsageError("--base-url and --api-key-file are for --backend openai")
    if backend == "transformers":
        return folder_spec(model, parallel, device, dtype, download=download, notify=notify)
    if (device, dtype) != ("auto", "auto"):
        raise UsageError("--device and --dtype are for --backend transformers")
    if backend == "openai":
        return _server_spec(model, parallel, base_url, key_file)
    if backend == "echo":
        return BackendSpec("echo", "", "echo", "", "words", parallel)
    if backend == "llamacpp" and importlib.util.find_spec("llama_cpp") is None:
        raise MissingExtraError.of("llama-cpp-python", "llamacpp")
    found = find_model(model, download=download)
    running = prepared_copy(found, facts_of(found), notify)
    return BackendSpec(backend, str(running.path), found.name, found.sha256, running.runs, parallel)


def _server_spec(model: str, parallel: int, base_url: str, key_file: str) -> BackendSpec:
    if importlib.util.find_spec("openai") is None:
        raise MissingExtraError.of("openai", "openai")
    if not base_url:
        raise UsageError(
            "--backend openai needs --base-url URL, and serves `genair archetype` alone:"
            " vectors come from a local model"
        )
    if model == DEFAULT_MODEL:
        raise UsageError("--backend openai needs --model NAME: what the server calls the model")
    url = check_url(base_url)
    return BackendSpec("openai", "", model, "", "", parallel, base_url=url, key_file=key_file)
