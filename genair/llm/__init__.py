"""Local language models: text and hidden states, several sequences per forward pass."""

from genair.llm.base import LLMBackend
from genair.registry import Registry

BACKENDS: Registry[type[LLMBackend]] = Registry(
    "backend",
    {
        "llamacpp": "genair.llm.llamacpp:LlamaCppBackend",
        "echo": "genair.llm.echo:EchoBackend",
    },
)
