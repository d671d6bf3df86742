"""GGUF files as llama.cpp sees them: what is in them, why they cannot be loaded, copies in other formats."""

import ctypes
import os

from genair.errors import InputError, MissingExtraError
from genair.llm.facts import ModelFacts
from genair.llm.llamacpp.version import llama_cpp_version

try:
    import llama_cpp as cpp
except ImportError as error:
    raise MissingExtraError.of("llama-cpp-python", "llamacpp") from error
llama_cpp_version()  # refuses one that is too old

ModelPointer = int  # to a loaded model, as ctypes hands it on

_ERROR = 4  # GGML_LOG_LEVEL_ERROR: what is kept for our messages
_FTYPES = {
    getattr(cpp, name): name.removeprefix("LLAMA_FTYPE_").removeprefix("MOSTLY_").removeprefix("ALL_")
    for name in dir(cpp)
    if name.startswith("LLAMA_FTYPE_")
}
_log: list[str] = []
os.environ.setdefault("GGML_NO_BACKTRACE", "1")  # an abort would start a debugger


def _capture(level: int, text: bytes, _data: object) -> None:
    if level == _ERROR and len(_log) < 50:
        _log.append(text.decode("utf-8", "replace").strip())


_callback = cpp.llama_log_callback(_capture)  # llama.cpp keeps a pointer to it: it must live as long
cpp.llama_log_set(_callback, ctypes.c_void_p(0))


def forget_log() -> None:
    """Begin a new piece of work, of which `log_reason` is to speak."""
    _log.clear()


def log_reason() -> str:
    """Return the first error llama.cpp logged: those after it only say that it gave up."""
    cause = next((line for line in _log if line), "no reason given")
    return cause.partition(": ")[2].removeprefix("error loading model: ") or cause


def read_facts(path: str) -> ModelFacts:
    """Return what a GGUF file says of itself; its weights stay where they are.

    llama.cpp aborts the process at some damaged files: `genair.llm.models.aside` runs this in another one.

    Raises:
        InputError: the file is not a model llama.cpp can load; the message quotes its log.
    """
    forget_log()
    params = cpp.llama_model_default_params()
    params.no_alloc = True  # all is built and checked, and nothing read but the header
    params.load_mode, params.use_mmap = 0, False  # one of the two, depending on the version
    model = cpp.llama_model_load_from_file(os.fsencode(path), params)
    if not model or not _could_run(model):
        raise InputError(f"llama.cpp cannot load this model ({log_reason()})", where=path)
    try:
        return _facts_of(model)
    finally:
        cpp.llama_model_free(model)


def _could_run(model: ModelPointer) -> bool:
    """Go through the motions of a context: some damage shows only there."""
    params = cpp.llama_context_default_params()
    params.n_ctx = params.n_batch = params.n_ubatch = 256
    context = cpp.llama_init_from_model(model, params)
    if context:
        cpp.llama_free(context)
    return bool(context)


def _facts_of(model: ModelPointer) -> ModelFacts:
    heads, layers = cpp.llama_model_n_head_kv(model), cpp.llama_model_n_layer(model)
    width = cpp.llama_model_n_embd(model)
    kind = _meta(model, "general.architecture")
    head = width // max(1, cpp.llama_model_n_head(model))
    sizes = [int(_meta(model, f"{kind}.attention.{part}_length") or head) for part in ("key", "value")]
    return ModelFacts(
        architecture=kind,
        parameters=cpp.llama_model_n_params(model),
        quantization=_FTYPES.get(int(_meta(model, "general.file_type") or -1), "unknown"),
        size=cpp.llama_model_size(model),
        context=cpp.llama_model_n_ctx_train(model),
        hidden_size=width,
        layers=layers,
        kv_heads=heads,
        kv_width=layers * heads * sum(sizes),
        vocabulary=cpp.llama_vocab_n_tokens(cpp.llama_model_get_vocab(model)),
        template=bool(cpp.llama_model_chat_template(model, None)),
        license=_meta(model, "general.license"),
    )


def _meta(model: ModelPointer, key: str) -> str:
    """Return a field of a model's header as text; empty if it is not there, cut at 256 bytes."""
    buffer = ctypes.create_string_buffer(256)
    size = cpp.llama_model_meta_val_str(model, key.encode(), buffer, len(buffer))
    return buffer.value.decode("utf-8", "replace") if size > 0 else ""


def requantize(source: str, target: str, ftype: int) -> ModelFacts:
    """Write a copy of a GGUF file in another quantization (a `LLAMA_FTYPE` number), and return its facts.

    Raises:
        InputError: llama.cpp cannot read the source, or what it wrote.
    """
    forget_log()
    params = cpp.llama_model_quantize_default_params()
    params.ftype, params.allow_requantize, params.nthread = ftype, True, 1
    code = cpp.llama_model_quantize(os.fsencode(source), os.fsencode(target), ctypes.byref(params))
    if code != 0:
        raise InputError(f"llama.cpp cannot requantize this model ({log_reason()})", where=source)
    return read_facts(target)
