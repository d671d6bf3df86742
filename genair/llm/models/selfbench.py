"""How fast copies of a model decode on this machine: the self-benchmark of the first use.

It runs what a wave does, prompts of 16 items and then their answers token by token. Processor time counts
and not the clock, so that other programs disturb it little; copies take turns, so that whatever slows the
machine for a while slows all of them; the median of the rounds counts, so the first one, which also reads
the weights from the disk, does not.
"""

import time
from collections.abc import Mapping
from statistics import median

import numpy as np

from genair.llm.base import BackendSpec
from genair.llm.llamacpp.backend import LlamaContext, LlamaCppBackend, Tokens

_SEQUENCES = 16
_PROMPT = 6  # tokens of a prompt; a wave has more, but as much of each kind of work
_ANSWER = 2
_ROUNDS = 3


def measure(files: Mapping[str, str]) -> dict[str, float]:
    """Return the tokens per second of processor time of each copy.

    Args:
        files: what runs (`f16`) to its path.

    Raises:
        InputError: llama.cpp cannot load one.
        GenairError: it cannot be run.
    """
    seconds: dict[str, list[float]] = {runs: [] for runs in files}
    contexts = {runs: _open(path) for runs, path in files.items()}
    for _ in range(_ROUNDS):
        for runs, context in contexts.items():
            seconds[runs].append(_round(context))
    tokens = _SEQUENCES * (_PROMPT + _ANSWER)
    return {runs: round(tokens / median(times), 1) for runs, times in seconds.items()}


def _open(path: str) -> LlamaContext:
    backend = LlamaCppBackend(BackendSpec("llamacpp", path, path, "", "", _SEQUENCES))
    return backend.new_context(_SEQUENCES, 256, want_states=False)


def _round(context: LlamaContext) -> float:
    """Return the seconds of one round."""
    slots = np.arange(_SEQUENCES, dtype=np.int32)
    for slot in slots.tolist():
        context.clear(slot)
    start = time.process_time()
    _decode(context, np.repeat(slots, _PROMPT), np.tile(np.arange(_PROMPT, dtype=np.int32), _SEQUENCES))
    for position in range(_PROMPT, _PROMPT + _ANSWER):
        _decode(context, slots, np.full(_SEQUENCES, position, dtype=np.int32))
    return time.process_time() - start


def _decode(context: LlamaContext, slots: Tokens, positions: Tokens) -> None:
    tokens = (100 + slots + _SEQUENCES * positions).astype(np.int32)  # any will do: all cost the same
    (context.read if positions[0] < _PROMPT else context.decode)(tokens, positions, slots)
