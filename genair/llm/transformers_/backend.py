"""Hugging Face transformers: the only file that imports it.

The model's base gives hidden states without logits; one more token a row goes through the whole model, which
gives both. It runs on one device, in this process.

Not used: `generate_batch`, transformers' own continuous batching. Its outputs are tokens and their
log-probabilities (5.23): there are no hidden states, and one seed for all requests, where the states of the
same pass and a seed an item are wanted.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from genair.config import Decoding
from genair.device import resolve_device, resolve_dtype
from genair.errors import GenairError, InputError, MissingExtraError, UsageError
from genair.llm.base import Answered, BackendSpec, Generation, PooledStates
from genair.llm.engine import Job, generation_jobs
from genair.llm.transformers_.batches import batch_tokens
from genair.llm.transformers_.causal import CausalModel
from genair.llm.transformers_.chattokens import ChatTokens, Tokens
from genair.llm.transformers_.padded import PaddedEngine
from genair.records import ChatPrompt

if TYPE_CHECKING:
    from tokenizers import Tokenizer

try:
    import transformers
except ImportError as error:
    raise MissingExtraError.of("transformers", "transformers") from error

_ATTENTION = {"full_attention", "sliding_attention"}


class TransformersBackend:
    """A model folder in this process, on one device."""

    def __init__(self, spec: BackendSpec) -> None:
        """Load the model.

        Raises:
            InputError: the folder is not a model transformers can load, or its weights are not complete.
            UsageError: its layers keep more than keys and values, or it has no chat template.
            GenairError: the device has not enough memory.
        """
        device = resolve_device(spec.device)
        self._parallel = spec.parallel
        tokenizer, self._model = _load(spec, device)
        config = self._model.config.get_text_config(decoder=True)
        self.hidden_size = int(config.hidden_size)
        self.context_length: int | None = getattr(config, "max_position_embeddings", None)
        self._tokens = ChatTokens(tokenizer, spec.name)
        model = CausalModel(self._model, transformers.DynamicCache)
        ends = self._end_tokens(tokenizer)
        self._engine = PaddedEngine(model, spec.parallel, ends, batch_tokens(device.type))

    def count_tokens(self, prompt: ChatPrompt, answer: str = "") -> int:
        """Return how many tokens a prompt and an answer take; see `LLMBackend.count_tokens`."""
        return len(self.prompt_tokens(prompt)) + len(self._tokens.of_text(answer))

    def generate(
        self,
        prompts: Sequence[ChatPrompt],
        decoding: Decoding,
        seeds: Sequence[int],
        *,
        want_states: bool = False,
    ) -> list[Generation]:
        """Answer a wave of prompts; see `LLMBackend.generate`.

        Raises:
            GenairError: the device has not enough memory, or numbers overflowed.
        """
        tokens = [self.prompt_tokens(prompt) for prompt in prompts]
        jobs = generation_jobs(tokens, decoding, seeds, self.hidden_size if want_states else None)
        with self._memory_told():
            self._engine.write(jobs, decoding)
        return [self._generation(job) for job in jobs]

    def states(self, wave: Sequence[Answered]) -> list[PooledStates]:
        """Read a wave of answered prompts; see `LLMBackend.states`.

        Raises:
            GenairError: the device has not enough memory, or numbers overflowed.
        """
        pairs = [(self.prompt_tokens(one.prompt), self._tokens.of_answer(one)) for one in wave]
        with self._memory_told():
            return [_finite(pooled) for pooled in self._engine.read(pairs)]

    def prompt_tokens(self, prompt: ChatPrompt) -> Tokens:
        """Return the token ids of a prompt in the model's own chat format."""
        return self._tokens.of_prompt(prompt)

    def _generation(self, job: Job) -> Generation:
        text = self._tokens.text_of(job.answer)
        pooled = job.pooled()
        return Generation(
            text,
            tuple(job.answer),
            job.finish_reason,
            job.prompt_tokens,
            self._tokens.of_text(text) == job.answer,
            None if pooled is None else _finite(pooled),
        )

    def _end_tokens(self, tokenizer: object) -> list[int]:
        """Return the tokens that end a text: the tokenizer's, and the generation config's or the config's."""
        own, config, spoken = (
            getattr(source, "eos_token_id", None)
            for source in (self._model.generation_config, self._model.config, tokenizer)
        )
        ends = [config if own is None else own, spoken]
        return sorted({token for end in ends for token in ([end] if isinstance(end, int) else end or [])})

    @contextmanager
    def _memory_told(self) -> Iterator[None]:
        try:
            yield
        except torch.OutOfMemoryError as error:
            raise GenairError(
                f"not enough memory on {self._model.device}: try a --wave below {self._parallel}"
            ) from error


def open_gguf(path: Path) -> "transformers.PreTrainedModel":
    """Return the model in a GGUF file, its weights dequantised.

    Raises:
        InputError: transformers does not know it.
    """
    silence = redirect_stderr(StringIO())  # for a progress bar that listens to nobody
    with _reading(str(path)), silence:
        model, found = transformers.AutoModelForCausalLM.from_pretrained(
            path.parent,
            gguf_file=path.name,
            dtype=torch.float32,
            local_files_only=True,
            output_loading_info=True,
        )
    _require_whole(found, str(path))
    return model


def plain_tokenizer(
    tokenizer: "Tokenizer", named: Mapping[str, str], template: str
) -> "transformers.PreTrainedTokenizerFast":
    """Return a tokenizer that can be saved.

    Args:
        tokenizer: does the work.
        named: texts of tokens that have a role, e.g. `eos_token`.
        template: for chats.
    """
    made = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **named)
    made.chat_template = template or None
    return made


def plain_copy(model: "transformers.PreTrainedModel", dtype: torch.dtype) -> "transformers.PreTrainedModel":
    """Return a model that forgot it came from a GGUF, so that it can be saved."""
    config = model.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    config.dtype = dtype
    with torch.device("meta"):
        fresh = transformers.AutoModelForCausalLM.from_config(config, dtype=dtype)
    weights = {name: tensor.to(dtype) for name, tensor in model.state_dict().items()}
    fresh.load_state_dict(weights, assign=True)
    fresh.tie_weights()
    return fresh


def _load(
    spec: BackendSpec, device: torch.device
) -> tuple["transformers.PreTrainedTokenizerBase", "transformers.PreTrainedModel"]:
    dtype = resolve_dtype(spec.dtype, device)
    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    held: dict[str, Any] = {"dtype": dtype, "device_map": str(device), "use_safetensors": True}
    with _reading(spec.model):
        tokenizer = transformers.AutoTokenizer.from_pretrained(spec.model, **local)
        model, found = transformers.AutoModelForCausalLM.from_pretrained(
            spec.model, output_loading_info=True, **held, **local
        )
    _require_whole(found, spec.model)
    kinds = set(getattr(model.config.get_text_config(decoder=True), "layer_types", None) or ())
    if kinds - _ATTENTION or getattr(model, "_is_stateful", False):
        raise UsageError(
            f"model {spec.name} has layers that are no plain attention: --backend llamacpp may do"
        )
    return tokenizer, model.eval()


def _require_whole(found: Mapping[str, Any], where: str) -> None:
    """Refuse what transformers only warns of: it would fill in random numbers."""
    if missing := sorted(found["missing_keys"]):
        raise InputError(f"the model lacks weights: {', '.join(missing[:3])}", where=where)


@contextmanager
def _reading(where: str) -> Iterator[None]:
    """Keep transformers quiet, and give its errors our form."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise GenairError("not enough memory to load the model", where=where) from error
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"transformers cannot load this model ({reason})", where=where) from error


def _finite(pooled: PooledStates) -> PooledStates:
    """Return the states.

    Raises:
        GenairError: numbers overflowed on the way.
    """
    if pooled.is_finite():
        return pooled
    raise GenairError("the model's numbers are not finite: try --dtype bf16 or --dtype fp32")
