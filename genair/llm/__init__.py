"""Language models: text and hidden states, several sequences per forward pass."""

from typing import TYPE_CHECKING

from genair.registry import Registry

if TYPE_CHECKING:
    from genair.llm.base import LLMBackend

BACKENDS: Registry["type[LLMBackend]"] = Registry(
    "backend",
    {
        "llamacpp": "genair.llm.llamacpp.backend:LlamaCppBackend",
        "transformers": "genair.llm.transformers_.backend:TransformersBackend",
        "openai": "genair.llm.openai_.backend:OpenAIBackend",
        "echo": "genair.llm.echo:EchoBackend",
    },
)

# What else shapes a backend's numbers, by package name: recorded in provenance.
PACKAGES = {"llamacpp": ("llama-cpp-python",), "transformers": ("torch", "transformers")}
FROM_FILES = frozenset({"llamacpp", "transformers"})  # whose models are files, which may be downloaded
_IN_PROCESS = frozenset({"transformers", "openai"})


def default_workers(backend: str, cores: int) -> int:
    """Return how many worker processes a backend should have.

    None for torch, which has threads of its own or a card that is not to be shared, and none for a server,
    which threads ask.

    Args:
        backend: name in `BACKENDS`.
        cores: how many may be used here.
    """
    return 0 if backend in _IN_PROCESS else cores
