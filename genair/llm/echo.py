"""A backend without a model: fast, offline, deterministic; for tests and for measuring everything else.

Its text repeats words of the prompt and its states are hashed token vectors averaged over the past, so they
are causal and depend on nothing but the sequence itself. It says so in provenance: nobody can take its
vectors for a language model's.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from genair.config import Decoding
from genair.llm.base import (
    Answered,
    BackendSpec,
    Generation,
    PooledStates,
)
from genair.llm.pooling import MeanPool
from genair.records import ChatPrompt
from genair.seeding import derive_seed

HIDDEN_SIZE = 32


class EchoBackend:
    """Tokens are words; see the module's docstring."""

    def __init__(self, spec: BackendSpec) -> None:
        """Take the spec; there is nothing to load."""
        self.hidden_size = HIDDEN_SIZE
        self.context_length: int | None = 4096

    def count_tokens(self, prompt: ChatPrompt, answer: str = "") -> int:
        """Return the number of words."""
        return len(_words(prompt.system, prompt.user, prompt.prime)) + len(_words(answer))

    def generate(
        self,
        prompts: Sequence[ChatPrompt],
        decoding: Decoding,
        seeds: Sequence[int],
        *,
        want_states: bool = False,
    ) -> list[Generation]:
        """Answer each prompt with its own longest words, rotated by the seed when sampling."""
        written = [self._generate(*pair, decoding) for pair in zip(prompts, seeds, strict=True)]
        if not want_states:
            return written
        cut = [one.finish_reason == "length" for one in written]
        read = [Answered(p, one.text, None, c) for p, one, c in zip(prompts, written, cut, strict=True)]
        return [replace(one, states=states) for one, states in zip(written, self.states(read), strict=True)]

    def states(self, wave: Sequence[Answered]) -> list[PooledStates]:
        """Read answered prompts."""
        return [self._states(one) for one in wave]

    def _generate(self, prompt: ChatPrompt, seed: int, decoding: Decoding) -> Generation:
        words = sorted(dict.fromkeys(prompt.user.split()), key=lambda word: (-len(word), word))
        if decoding.temperature > 0:
            shift = derive_seed(seed, "echo") % max(1, len(words))
            words = words[shift:] + words[:shift]
        chosen = words[: decoding.max_tokens] or ["nobody"]
        finish = "length" if len(chosen) == decoding.max_tokens else "stop"
        text = "".join(f" {word}" for word in chosen)
        size = len(_words(prompt.system, prompt.user, prompt.prime))
        return Generation(text, tuple(range(len(chosen))), finish, size, canonical=True)

    def _states(self, one: Answered) -> PooledStates:
        prompt = _words(one.prompt.system, one.prompt.user, one.prompt.prime)
        answer = _words(one.text)
        answer = answer[:-1] if one.cut else answer
        vectors = np.stack([_vector(word) for word in [*prompt, *answer]])
        past = np.cumsum(vectors, axis=0, dtype=np.float64) / np.arange(1, len(vectors) + 1)[:, None]
        pool = MeanPool(len(prompt), HIDDEN_SIZE)
        pool.add((vectors + past).astype(np.float32))
        return pool.result()


def _words(*texts: str) -> list[str]:
    return ["<s>", *" ".join(texts).split()] if len(texts) > 1 else texts[0].split()


def _vector(word: str) -> npt.NDArray[np.float32]:
    digest = hashlib.shake_256(word.encode()).digest(HIDDEN_SIZE)
    return (np.frombuffer(digest, dtype=np.uint8).astype(np.float32) - 127.5) / 74.0
