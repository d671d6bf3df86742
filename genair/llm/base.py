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
from genair.errors import GenairError
from genair.records import ChatPrompt

Vector = npt.NDArray[np.float32]

NOT_FINITE = "the model's states are not finite numbers: its file may be damaged, or --dtype too short"


@dataclass(frozen=True)
class PooledStates:
    """Means of last-layer hidden states (after the final norm) of one item, shape (hidden,) each.

    Attributes:
        context: over the prompt's tokens.
        archetype: over the generated tokens that were fed back; None when there are none.
    """

    context: Vector
    archetype: Vector | None

    def is_finite(self) -> bool:
        """Return whether every number is one; weights that are damaged, or overflow, give others."""
        return all(np.isfinite(view).all() for view in (self.context, self.archetype) if view is not None)


@dataclass(frozen=True)
class Generation:
    """What the model wrote for one prompt.

    Attributes:
        text: the answer after the prime.
        tokens: the generated token ids that make it, end of text not included.
        finish_reason: `stop`, `length` or `loop`.
        prompt_tokens: tokens fed before the first generated one.
        canonical: whether `text` tokenises back to `tokens`.
        states: what the model thought meanwhile, when it was asked for.
        token_count: how many tokens were generated where their ids are unknown; 0 when that is, too.
        primed: whether `text` goes on behind the prime; otherwise the model began in its own way.
    """

    text: str
    tokens: tuple[int, ...]
    finish_reason: str
    prompt_tokens: int
    canonical: bool
    states: PooledStates | None = None
    token_count: int | None = None
    primed: bool = True


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
        base_url: address of the server that runs the model, if one does.
        key_file: path of the file with the key to it; never recorded.
        device: where torch computes, see `genair.device.resolve_device`; for backends that use torch.
        dtype: how torch holds the weights, see `genair.device.resolve_dtype`.
    """

    backend: str
    model: str
    name: str
    sha256: str
    runs: str
    parallel: int = 32
    base_url: str = ""
    key_file: str = ""
    device: str = "auto"
    dtype: str = "auto"


class LLMBackend(Protocol):
    """A loaded model. Instances live in one process and are used by one thread.

    Attributes:
        hidden_size: width of the hidden states; 0 if the backend gives none.
        context_length: most tokens of prompt and answer together; None if the backend does not know.
    """

    hidden_size: int
    context_length: int | None

    def __init__(self, spec: BackendSpec) -> None:
        """Load the model."""

    def count_tokens(self, prompt: ChatPrompt, answer: str = "") -> int:
        """Return how many tokens a prompt and an answer take, chat format included; 0 when unknown."""

    def generate(
        self,
        prompts: Sequence[ChatPrompt],
        decoding: Decoding,
        seeds: Sequence[int],
        *,
        want_states: bool = False,
    ) -> Sequence[Generation | GenairError]:
        """Answer a wave of prompts, one seed each; an error stands for what failed by its own fault."""

    def states(self, wave: Sequence[Answered]) -> list[PooledStates]:
        """Read a wave of answered prompts in one teacher-forced pass."""
