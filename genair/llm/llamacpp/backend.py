"""llama.cpp through its low-level interface: models that run (`gguf.py` has what is done to their files).

One `llama_decode` call gives logits and hidden states of many sequences. Choices, with their reasons:
one thread per process (spinning threads ruin each other on shared cores); flash attention, and one key-value
stream per sequence for generation; a context made for each wave, sized by that wave alone, so that a wave's
bytes never depend on the wave before it; text parsed without control tokens, so that metadata cannot inject.
"""

import ctypes
import os
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from genair.config import Decoding
from genair.errors import GenairError, InputError, MissingExtraError, UsageError
from genair.llm.base import (
    Answered,
    BackendSpec,
    Generation,
    PooledStates,
)
from genair.llm.engine import Job, WaveEngine, generation_jobs, state_jobs
from genair.llm.llamacpp.cells import cells, room
from genair.llm.llamacpp.gguf import ModelPointer, forget_log, log_reason
from genair.llm.llamacpp.interruptible import Interruptible
from genair.records import ChatPrompt

try:
    import llama_cpp as cpp
except ImportError as error:
    raise MissingExtraError.of("llama-cpp-python", "llamacpp") from error

Tokens = npt.NDArray[np.int32]
_STATES = (
    b"result_embd_pooled"  # what llama.cpp calls the last states; if it ever does not, nothing is skipped
)
_name_of = ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p)(("ggml_get_name", cpp.llama_cpp._lib))
_BATCH = 512  # tokens a decode call: bounds how long Ctrl-C waits
_UBATCH = 256
_SENTINELS = ("GENAIRSYSTEMGENAIR", "GENAIRUSERGENAIR")


def lays_weights_anew(system: bytes) -> bool:
    """Return whether llama.cpp may lay quantized weights out anew for this processor's instructions.

    Not for AMX: compilers drop the set-up of its tiles, and the first of them ends the process with SIGILL
    (llama.cpp pull request 26954). F16 and BF16 lie as they are in any case.

    Args:
        system: what llama.cpp says of its build and the processor.
    """
    return b"AMX_INT8 = 1" not in system


class LlamaCppBackend:
    """A GGUF model in this process."""

    def __init__(self, spec: BackendSpec) -> None:
        """Load the model.

        Raises:
            InputError: the file is not a model llama.cpp can load; the message quotes its log.
        """
        forget_log()
        params = cpp.llama_model_default_params()
        params.use_extra_bufts = lays_weights_anew(cpp.llama_print_system_info())
        self._model = cpp.llama_model_load_from_file(os.fsencode(spec.model), params)
        if not self._model:
            raise InputError(f"llama.cpp cannot load this model ({log_reason()})", where=spec.model)
        self._vocab = cpp.llama_model_get_vocab(self._model)
        self._spec = spec
        self.hidden_size = int(cpp.llama_model_n_embd(self._model))
        self.context_length: int | None = int(cpp.llama_model_n_ctx_train(self._model))
        self._frame = self._chat_frame()
        n_vocab = cpp.llama_vocab_n_tokens(self._vocab)
        ends = [token for token in range(n_vocab) if cpp.llama_vocab_is_eog(self._vocab, token)]
        self._engine = WaveEngine(self, spec.parallel, np.asarray(ends, dtype=np.int32))

    def count_tokens(self, prompt: ChatPrompt, answer: str = "") -> int:
        """Return how many tokens a prompt and an answer take; see `LLMBackend.count_tokens`."""
        return len(self.prompt_tokens(prompt)) + len(self._tokenize(answer))

    def generate(
        self,
        prompts: Sequence[ChatPrompt],
        decoding: Decoding,
        seeds: Sequence[int],
        *,
        want_states: bool = False,
    ) -> list[Generation]:
        """Answer a wave of prompts; see `LLMBackend.generate`."""
        tokens = [self.prompt_tokens(prompt) for prompt in prompts]
        jobs = generation_jobs(tokens, decoding, seeds, self.hidden_size if want_states else None)
        self._engine.run(jobs)
        return [self._generation(job) for job in jobs]

    def states(self, wave: Sequence[Answered]) -> list[PooledStates]:
        """Read a wave of answered prompts; see `LLMBackend.states`."""
        pairs = [(self.prompt_tokens(one.prompt), self._answer_tokens(one)) for one in wave]
        jobs = state_jobs(pairs, self.hidden_size)
        self._engine.run(jobs)
        return [pooled for job in jobs if (pooled := job.pooled()) is not None]

    def prompt_tokens(self, prompt: ChatPrompt) -> Tokens:
        """Return the token ids of a prompt in the model's own chat format."""
        head, middle, tail = self._frame
        parts = [
            self._tokenize(head, special=True, first=True),
            self._tokenize(prompt.system),
            self._tokenize(middle, special=True),
            self._tokenize(prompt.user),
            self._tokenize(tail, special=True),
            self._tokenize(prompt.prime),
        ]
        return np.concatenate(parts)

    def text_of(self, tokens: Sequence[int]) -> str:
        """Return the text of token ids; a character cut in the middle is dropped."""
        return b"".join(self._piece(token) for token in tokens).decode("utf-8", "ignore")

    def room(self, length: int) -> int:
        """Return how many sequences of so many tokens may be remembered together, at least 1."""
        return room(length)

    def new_context(self, sequences: int, length: int, *, want_states: bool) -> "LlamaContext":
        """Return a context for so many sequences of at most `length` tokens each."""
        return LlamaContext(self._model, sequences, length, want_states=want_states)

    def _generation(self, job: Job) -> Generation:
        text = self.text_of(job.answer)
        canonical = self._tokenize(text).tolist() == job.answer
        return Generation(
            text, tuple(job.answer), job.finish_reason, job.prompt_tokens, canonical, job.pooled()
        )

    def _answer_tokens(self, one: Answered) -> Tokens:
        if one.tokens is not None and self._knows(one.tokens) and self.text_of(one.tokens) == one.text:
            tokens = np.asarray(one.tokens, np.int32)
        else:  # the text alone says it, was edited since, or is of another model
            tokens = self._tokenize(one.text)
        return tokens[:-1] if one.cut else tokens

    def _knows(self, tokens: Sequence[int]) -> bool:
        """Return whether the vocabulary has these; llama.cpp ends the process over one that it has not."""
        return all(0 <= token < cpp.llama_vocab_n_tokens(self._vocab) for token in tokens)

    def _tokenize(self, text: str, *, special: bool = False, first: bool = False) -> Tokens:
        data = text.encode()
        buffer = (cpp.llama_token * (len(data) + 8))()
        count = cpp.llama_tokenize(self._vocab, data, len(data), buffer, len(buffer), first, special)
        if count < 0:
            raise GenairError(f"llama.cpp cannot tokenize a text of {len(data)} bytes")
        return np.array(buffer[:count], dtype=np.int32)

    def _piece(self, token: int) -> bytes:
        buffer = ctypes.create_string_buffer(256)
        size = cpp.llama_token_to_piece(self._vocab, token, buffer, len(buffer), 0, False)
        return buffer.raw[: max(0, size)]

    def _chat_frame(self) -> tuple[str, str, str]:
        """Return the model's chat format around the system and the user message."""
        template = cpp.llama_model_chat_template(self._model, None)
        if not template:
            raise UsageError(f"model {self._spec.name} has no chat template: use an instruction-tuned model")
        roles = (b"system", b"user")
        messages = (cpp.llama_chat_message * 2)(
            *(
                cpp.llama_chat_message(role=role, content=text.encode())
                for role, text in zip(roles, _SENTINELS, strict=True)
            )
        )
        buffer = ctypes.create_string_buffer(len(template) + 4096)
        size = cpp.llama_chat_apply_template(template, messages, 2, True, buffer, len(buffer))
        rendered = buffer.raw[: max(0, size)].decode()
        head, found_system, rest = rendered.partition(_SENTINELS[0])
        middle, found_user, tail = rest.partition(_SENTINELS[1])
        if not found_system or not found_user:
            raise UsageError(f"llama.cpp does not know the chat template of model {self._spec.name}")
        return head, middle, tail


class LlamaContext:
    """Key-value memory and outputs of one wave; frees itself when closed."""

    def __init__(self, model: ModelPointer, sequences: int, length: int, *, want_states: bool) -> None:
        """Reserve `sequences` streams of `length` tokens; with `want_states`, states come out."""
        params = cpp.llama_context_default_params()
        params.n_ctx = sequences * cells(length)
        params.n_batch, params.n_ubatch, params.n_seq_max = _BATCH, _UBATCH, sequences
        params.n_threads = params.n_threads_batch = 1
        params.flash_attn_type = 1
        params.kv_unified = False
        params.embeddings, params.pooling_type = want_states, 0
        self._want_states, self._reading = want_states, False
        self._watch = cpp.ggml_backend_sched_eval_callback(self._ends_at)  # kept: llama.cpp points to it
        if want_states:
            params.cb_eval = self._watch
        forget_log()
        self._context = cpp.llama_init_from_model(model, params)
        if not self._context:
            raise GenairError(f"llama.cpp cannot make a context of {params.n_ctx} tokens ({log_reason()})")
        self._calls = Interruptible()
        self._abort = cpp.ggml_abort_callback(lambda _: self._calls.stop)  # kept: llama.cpp points to it
        if self._calls.needed:
            cpp.llama_set_abort_callback(self._context, self._abort, None)
        self._memory = cpp.llama_get_memory(self._context)
        self._n_vocab = cpp.llama_vocab_n_tokens(cpp.llama_model_get_vocab(model))
        self._n_embd = cpp.llama_model_n_embd(model)
        self._batch = cpp.llama_batch_init(_BATCH, 0, 1)
        self._views = [
            np.ctypeslib.as_array(pointer, (_BATCH,))
            for pointer in (self._batch.token, self._batch.pos, self._batch.n_seq_id, self._batch.logits)
        ]
        self._slots = [self._batch.seq_id[row] for row in range(_BATCH)]

    batch_size = _BATCH

    def read(self, tokens: Tokens, positions: Tokens, slots: Tokens) -> None:
        """Feed at most `batch_size` tokens whose successors are known: no logits are made.

        States need all rows of the last layer, and llama.cpp then makes logits of all rows, too, a fifth of
        the work for a small model. So its graph is ended where the states are done.
        """
        self._reading = True
        try:
            self._feed(tokens, positions, slots, outputs=self._want_states)
        finally:
            self._reading = False

    def decode(self, tokens: Tokens, positions: Tokens, slots: Tokens) -> None:
        """Feed at most `batch_size` tokens, each at a position of a slot, and make logits of each."""
        self._feed(tokens, positions, slots, outputs=True)

    def _feed(self, tokens: Tokens, positions: Tokens, slots: Tokens, *, outputs: bool) -> None:
        n = len(tokens)
        token, pos, n_seq_id, logits = self._views
        token[:n], pos[:n], n_seq_id[:n], logits[:n] = tokens, positions, 1, outputs
        for row, slot in enumerate(slots.tolist()):
            self._slots[row][0] = slot
        self._batch.n_tokens = n
        code = self._calls.call(lambda: int(cpp.llama_decode(self._context, self._batch)))
        if code != 0:
            raise GenairError(f"llama.cpp could not decode (code {code}: {log_reason()})")

    def _ends_at(self, tensor: int, asked: bool, _data: object) -> bool:
        """Ask llama.cpp to show us the states when only these are wanted, and then not to go on."""
        return asked and self._reading and _name_of(tensor) == _STATES

    def logits(self, row: int) -> npt.NDArray[np.float32]:
        """Return the logits after the batch's token `row`, shape (vocabulary,); valid until `decode`."""
        pointer = cpp.llama_get_logits_ith(self._context, row)
        return np.ctypeslib.as_array(pointer, (self._n_vocab,))

    def hidden_states(self, rows: int) -> npt.NDArray[np.float32]:
        """Return the states of the batch's tokens, shape (rows, hidden); valid until `decode`."""
        return np.ctypeslib.as_array(cpp.llama_get_embeddings(self._context), (rows, self._n_embd))

    def copy(self, source: int, target: int) -> None:
        """Make slot `target` remember what `source` does."""
        cpp.llama_memory_seq_cp(self._memory, source, target, -1, -1)

    def clear(self, slot: int) -> None:
        """Make a slot forget."""
        cpp.llama_memory_seq_rm(self._memory, slot, -1, -1)

    def synchronize(self) -> None:
        """Wait until all that was fed is computed, as reading results does."""
        cpp.llama_synchronize(self._context)

    def close(self) -> None:
        """Free the memory."""
        self._calls.close()
        cpp.llama_batch_free(self._batch)
        cpp.llama_free(self._context)
