"""Any server that speaks OpenAI's chat interface: the only file that imports openai.

It gives text and nothing else, no hidden states; `genair embed` reads them with a local model. Choices:

- Requests of a wave go out together, from `parallel` threads over one client; answers keep the wave's
  order.
- The prime is asked for in words and stripped from the answer (`priming`): not all servers go on with a
  message that is already begun. The wish is not part of the line: `prompt`, `system` and `prime` are
  recorded, and read by `genair embed`, as with a local model.
- Settings are told as `dialect` describes: each is heeded or refused, as far as the server lets one know.
- The client itself tries again after 408, 409, 429, 5xx and lost connections, six times, with growing
  pauses or those that the server asks for (Retry-After, up to two minutes). Then the run ends, and can be
  resumed.
- A server that does not answer at all is found out before the first item, without retries.
- What concerns one item alone (too long, filtered, empty) is that item's error.
- The key is in the request's header and nowhere else; foreign words are searched for it before they are
  shown, and the client's own errors, which may hold it, are never chained.
"""

from collections.abc import Sequence
from typing import cast

from genair.config import Decoding
from genair.errors import GenairError, MissingExtraError, UsageError
from genair.llm.base import Answered, BackendSpec, Generation, PooledStates
from genair.llm.openai_.dialect import Dialect
from genair.llm.openai_.endpoint import read_key
from genair.llm.openai_.priming import after_prime, messages_of
from genair.llm.openai_.refusals import Refusal, one_line
from genair.llm.openai_.threads import in_threads
from genair.plaintext import joined
from genair.records import ChatPrompt

try:
    import openai
    from openai.types.chat import ChatCompletion, ChatCompletionMessageParam
except ImportError as error:
    raise MissingExtraError.of("openai", "openai") from error

_RETRIES = 6
_PATIENCE_S = 600.0  # for one answer: requests may queue in the server
_REACH_S = 30.0
_NO_KEY = "none"  # servers without a key take any, the client wants one
_Job = tuple[ChatPrompt, int]


class OpenAIBackend:
    """A model behind an address; see the module's docstring."""

    hidden_size = 0
    context_length: int | None = None

    def __init__(self, spec: BackendSpec) -> None:
        """Find out whether there is a server.

        Raises:
            UsageError: the key cannot be read.
            GenairError: nothing answers.
        """
        self._spec = spec
        self._key = read_key(spec.key_file)
        self._client = openai.OpenAI(
            base_url=spec.base_url, api_key=self._key or _NO_KEY, max_retries=_RETRIES, timeout=_PATIENCE_S
        )
        self._dialect = Dialect(spec.base_url)
        self._reach()

    def count_tokens(self, prompt: ChatPrompt, answer: str = "") -> int:
        """Return 0: only the server knows."""
        return 0

    def generate(
        self,
        prompts: Sequence[ChatPrompt],
        decoding: Decoding,
        seeds: Sequence[int],
        *,
        want_states: bool = False,
    ) -> list[Generation | GenairError]:
        """Answer a wave of prompts; see `LLMBackend.generate`.

        Raises:
            UsageError: states are wanted, or the server refuses a setting, the key or the model.
            GenairError: the server fails, or does not answer.
        """
        if want_states:
            raise _no_states()

        def answer(job: _Job) -> Generation | GenairError:
            return self._answer(*job, decoding)

        return in_threads(answer, list(zip(prompts, seeds, strict=True)), self._spec.parallel)

    def states(self, wave: Sequence[Answered]) -> list[PooledStates]:
        """Refuse.

        Raises:
            UsageError: always.
        """
        raise _no_states()

    def _reach(self) -> None:
        """Ask for the list of models; whatever the answer is, it is one.

        Raises:
            GenairError: there is none.
        """
        try:
            self._client.with_options(max_retries=0, timeout=_REACH_S).models.with_raw_response.list()
        except openai.APIConnectionError as error:
            raise self._lost(error) from None
        except openai.OpenAIError:
            return

    def _answer(self, prompt: ChatPrompt, seed: int, decoding: Decoding) -> Generation | GenairError:
        while True:
            fields = self._dialect.fields(decoding, seed)
            reply = self._ask(prompt, fields)
            if isinstance(reply, ChatCompletion):
                return self._read(reply, prompt)
            if failed := reply.for_item(prompt.item_id):
                return failed
            if not reply.is_of_request() or not self._dialect.learn(reply, fields):
                raise reply.for_run(
                    self._spec.base_url, self._spec.name, prompt.item_id, has_key=bool(self._key)
                )

    def _ask(self, prompt: ChatPrompt, fields: dict[str, float]) -> ChatCompletion | Refusal:
        messages = cast("list[ChatCompletionMessageParam]", messages_of(prompt))
        try:
            reply: object = self._client.chat.completions.create(
                model=self._spec.name, messages=messages, extra_body=fields
            )
        except openai.APIStatusError as error:
            return Refusal.of(error.status_code, error.body, self._key)
        except openai.APIConnectionError as error:
            raise self._lost(error) from None
        except (openai.OpenAIError, ValueError):  # not JSON, or not what it should be
            reply = None
        if isinstance(reply, ChatCompletion):
            return reply
        raise UsageError(
            "what answers there is no chat server: check whether --base-url should end in /v1",
            where=self._spec.base_url,
        )

    def _read(self, reply: ChatCompletion, prompt: ChatPrompt) -> Generation | GenairError:
        """Return what a server wrote, or why it is of no use."""
        if not reply.choices:
            return GenairError(f"item {prompt.item_id!r}: the server's answer has no choices")
        choice, usage = reply.choices[0], reply.usage
        if choice.finish_reason == "content_filter" or getattr(choice.message, "refusal", None):
            said = one_line(getattr(choice.message, "refusal", None) or "content_filter", self._key)
            return GenairError(f"item {prompt.item_id!r}: the server's content filter refused it ({said})")
        content: object = getattr(choice.message, "content", None)
        text, primed = after_prime(joined(content) if isinstance(content, str) else "", prompt.prime)
        if not text:
            hint = "try a higher --max-tokens" if choice.finish_reason == "length" else "try another prompt"
            return GenairError(
                f"item {prompt.item_id!r}: the answer is empty (finish reason {choice.finish_reason}): {hint}"
            )
        return Generation(
            text=text,
            tokens=(),
            finish_reason="length" if choice.finish_reason == "length" else "stop",
            prompt_tokens=usage.prompt_tokens or 0 if usage else 0,
            canonical=True,
            token_count=usage.completion_tokens or 0 if usage else 0,
            primed=primed,
        )

    def _lost(self, error: openai.APIConnectionError) -> GenairError:
        if isinstance(error, openai.APITimeoutError):
            what = "the server takes too long to answer: try a lower --parallel"
        else:
            why = one_line(str(error.__cause__ or error), self._key)
            what = f"no server answers ({why}): start it, or check --base-url"
        return GenairError(what, where=self._spec.base_url)


def _no_states() -> UsageError:
    return UsageError(
        "a server gives text only: write archetypes with it, then use `genair embed` with a local model"
    )
