"""What a language model is to the stages: prompts in, text and pooled hidden states out.

The unit of work is a *wave*, a fixed run of consecutive items: kernels round differently when a batch has
other rows, so the same wave always gives the same bytes, whichever process computes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from genair.config import Decoding
from genair.records import ChatPrompt

Vector = npt.NDArray[np.float32]


@dataclass(frozen=True)
class PooledStates:
    """Means of last-layer hidden states (after the final norm) of one item, shape (hidden,) each.

    Attributes:
        context: over the prompt's tokens.
        archetype: over the generated tokens that were fed back; None when there are none.
    """

    context: Vector
    archetype: Vector | None


@dataclass(frozen=True)
class Generation:
    """What the model wrote for one prompt.

    Attributes:
        text: the answer after the prime.
        tokens: the generated token ids, end of text not included.
        finish_reason: `stop` or `length`.
        prompt_tokens: tokens fed before the first generated one.
        canonical: whether `text` tokenises back to `tokens`.
    """

    text: str
    tokens: tuple[int, ...]
    finish_reason: str
    prompt_tokens: int
    canonical: bool


@dataclass(frozen=True)
class Answered:
    """A prompt with its answer, to be read again for its hidden states.

    Attributes:
        prompt: what the model was told.
        text: the answer after the prime.
        tokens: its token ids where the text alone does not give them back.
        cut: whether generation ended at the token limit, so that the last token was never fed back.
    """

    prompt: ChatPrompt
    text: str
    tokens: tuple[int, ...] | None
    cut: bool


@dataclass(frozen=True)
class BackendSpec:
    """Everything a worker process needs to open a backend, and what identifies the model in provenance.

    Attributes:
        backend: name in `BACKENDS`.
        model: path of the model file that runs; empty for a backend that has none.
        name: what provenance calls the model.
        sha256: hex digest of the model file as its user named it.
        runs: how the weights are held where they run, e.g. `q8_0`.
        parallel: sequences decoded together.
    """

    backend: str
    model: str
    name: str
    sha256: str
    runs: str
    parallel: int = 16


class LLMBackend(Protocol):
    """A loaded model. Instances live in one process and are used by one thread."""

    hidden_size: int

    def __init__(self, spec: BackendSpec) -> None:
        """Load the model."""

    def generate(
        self, prompts: Sequence[ChatPrompt], decoding: Decoding, seeds: Sequence[int]
    ) -> list[Generation]:
        """Answer a wave of prompts, one seed each."""

    def states(self, wave: Sequence[Answered]) -> list[PooledStates]:
        """Read a wave of answered prompts in one teacher-forced pass."""
