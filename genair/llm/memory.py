"""How much memory a run will take, estimated before it starts.

Weights are mapped once for all of llama.cpp's workers, except those in formats that it rearranges for its
kernels: of these each worker has its own. So it has of the key-value memory (16-bit numbers, as many tokens
as its sequences could have), of a batch's logits and states, of the largest intermediate results, and of
Python with its libraries. transformers holds the weights once a process, where it computes. Tests compare
the estimates with what the default model takes.
"""

from pathlib import Path

from genair.device import available_memory, free_on
from genair.errors import GenairError
from genair.llm.base import BackendSpec
from genair.llm.facts import ModelFacts
from genair.llm.llamacpp.cells import cells, room
from genair.llm.models.configs import folder_facts
from genair.llm.models.files import ModelFile
from genair.llm.models.headers import facts_of
from genair.llm.transformers_.batches import batch_tokens

PROMPT_TOKENS = 256  # what a prompt is thought to have at most; few have more
_BATCH = 512  # tokens of a decode call: with states, the logits of all are kept
_UBATCH = 256  # tokens whose intermediate results are in memory together
_WIDTHS = 16  # intermediate results of a token, in hidden sizes
_FLOAT, _HALF = 4, 2
_WIDTH_OF = {"fp32": 4, "fp16": 2, "bf16": 2}
_PROCESS = 48 << 20
_TORCH = 300 << 20  # a process with torch and transformers
_REARRANGED = ("Q2_K", "Q3_K", "Q4_0", "Q4_K", "IQ4_NL")
_MIB = 1 << 20


def estimate_memory(
    facts: ModelFacts, sequences: int, length: int, workers: int, *, want_states: bool = True
) -> int:
    """Return about how many bytes a run takes, within a factor of 1.5.

    Args:
        facts: what the model file that runs says.
        sequences: decoded together in a worker, if there is room.
        length: tokens of the longest prompt with its answer.
        workers: processes; 0 is this one.
        want_states: whether hidden states are wanted.
    """
    processes = max(1, workers)
    own_weights = facts.quantization.startswith(_REARRANGED)
    length = min(length, facts.context)
    together = min(sequences, room(length))
    remembered = (together + 1) * cells(length)  # one more: the shared prefix
    rows = min(_BATCH, length) if want_states else together
    outputs = 2 * rows * (facts.vocabulary + facts.hidden_size) * _FLOAT  # where they arise, and our copy
    between = min(_UBATCH, length) * _WIDTHS * facts.hidden_size * _FLOAT
    each = _PROCESS + remembered * facts.kv_width * _HALF + outputs + between
    return facts.size * (processes if own_weights else 1) + processes * each


def estimate_folder(
    facts: ModelFacts, width: int, device: str, sequences: int, length: int, workers: int
) -> int:
    """Return about how many bytes transformers takes where it computes, within a factor of 1.5.

    Args:
        facts: what the model folder says.
        width: bytes of a number.
        device: where it computes.
        sequences: decoded together.
        length: tokens of the longest prompt with its answer.
        workers: processes; 0 is this one.
    """
    length = min(length, facts.context or length)
    remembered = sequences * length * facts.kv_width * width
    logits = 2 * sequences * facts.vocabulary * _FLOAT
    between = min(sequences * length, batch_tokens(device)) * _WIDTHS * facts.hidden_size * width
    each = _TORCH + facts.parameters * width + remembered + logits + between
    return max(1, workers) * each


def require_memory(
    spec: BackendSpec, workers: int, sequences: int, answer_tokens: int = 256, *, want_states: bool = True
) -> None:
    """Refuse a run that this machine, or its card, has not the memory for.

    Args:
        spec: what workers open; what a server needs is its own affair.
        workers: processes; 0 is this one.
        sequences: that a worker has in memory at once.
        answer_tokens: most tokens of an answer.
        want_states: whether hidden states are wanted.

    Raises:
        GenairError: there is not enough; the message has both numbers.
    """
    length = PROMPT_TOKENS + answer_tokens
    if spec.backend == "llamacpp":
        there, place = available_memory(), "available"
        facts = facts_of(ModelFile(spec.name, Path(spec.model)))
        needed = estimate_memory(facts, sequences, length, workers, want_states=want_states)
    elif spec.backend == "transformers":
        there, place = free_on(spec.device), f"free on {spec.device}"
        facts = folder_facts(Path(spec.model))
        needed = estimate_folder(facts, _WIDTH_OF[spec.dtype], spec.device, sequences, length, workers)
    else:
        return
    if there is not None and needed > there:
        many = f"{max(1, workers)} worker{'s' if workers > 1 else ''}"
        raise GenairError(
            f"not enough memory: {many} with {spec.name} would take about {needed // _MIB} MiB, and"
            f" {there // _MIB} MiB are {place}: try fewer --workers, a smaller --wave, or a smaller model"
        )
