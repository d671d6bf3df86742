"""Local language models: text and hidden states, several sequences per forward pass."""

from typing import TYPE_CHECKING

from genair.registry import Registry

if TYPE_CHECKING:
    from genair.llm.base import LLMBackend

BACKENDS: Registry["type[LLMBackend]"] = Registry(
    "backend",
    {
        "llamacpp": "genair.llm.llamacpp:LlamaCppBackend",
        "echo": "genair.llm.echo:EchoBackend",
    },
)
