"""Chats as token ids, through a Hugging Face tokenizer.

What the items say is tokenised apart from the chat format, with control tokens as plain text, so that it
cannot inject. llama.cpp's backend cuts a prompt in the same places: equal tokenizers give equal ids.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from genair.errors import UsageError
from genair.llm.base import Answered
from genair.llm.transformers_.chatformat import TEMPLATE_PRELUDE, TEMPLATE_SETTINGS, Messages, chat_frame
from genair.records import ChatPrompt

Tokens = npt.NDArray[np.int32]


class ChatTokenizer(Protocol):
    """What is used of transformers' `PreTrainedTokenizerFast`.

    Attributes:
        chat_template: None or empty if there is none; several are told apart by name.
    """

    chat_template: str | dict[str, str] | None

    def __call__(
        self, text: str, *, add_special_tokens: bool, split_special_tokens: bool
    ) -> Mapping[str, Sequence[int]]:
        """Return a text's token ids as `input_ids`."""

    def decode(
        self, tokens: Sequence[int], *, skip_special_tokens: bool, clean_up_tokenization_spaces: bool
    ) -> str:
        """Return the text of token ids."""

    def get_chat_template(self) -> str:
        """Return the template to use."""

    def apply_chat_template(
        self,
        conversation: Sequence[Mapping[str, str]],
        *,
        chat_template: str,
        tokenize: bool,
        add_generation_prompt: bool,
        **settings: object,
    ) -> str:
        """Render messages; the settings are variables of the template."""


class ChatTokens:
    """The tokens of one model."""

    def __init__(self, tokenizer: ChatTokenizer, name: str) -> None:
        """Take a fast tokenizer, and the model's name for errors.

        Raises:
            UsageError: there is no chat template, or one that takes no user message.
        """
        self._tokenizer = tokenizer
        if not tokenizer.chat_template:
            raise UsageError(f"model {name} has no chat template: use an instruction-tuned model")
        self._frame = chat_frame(self._render, name)

    def of_prompt(self, prompt: ChatPrompt) -> Tokens:
        """Return the token ids of a prompt in the model's own chat format."""
        head, middle, tail = self._frame
        parts = [
            self.of_text(head, special=True),
            self.of_text(prompt.system),
            self.of_text(middle, special=True),
            self.of_text(prompt.user),
            self.of_text(tail, special=True),
            self.of_text(prompt.prime),
        ]
        return np.asarray([token for part in parts for token in part], dtype=np.int32)

    def of_answer(self, one: Answered) -> Tokens:
        """Return the token ids of an answer that have a state."""
        if one.tokens is not None and self.text_of(one.tokens) == one.text:
            tokens = list(one.tokens)
        else:  # the text alone says it, or was edited since
            tokens = self.of_text(one.text)
        return np.asarray(tokens[:-1] if one.cut else tokens, dtype=np.int32)

    def of_text(self, text: str, *, special: bool = False) -> list[int]:
        """Return the token ids of a text; control tokens in it count only if it is `special`."""
        encoded = self._tokenizer(text, add_special_tokens=False, split_special_tokens=not special)
        return list(encoded["input_ids"])

    def text_of(self, tokens: Sequence[int]) -> str:
        """Return the text of token ids without control tokens; a character cut in the middle is dropped."""
        before = self.of_text("x")  # some tokenizers drop the space a text begins with
        whole, start = (
            str(self._tokenizer.decode(part, skip_special_tokens=True, clean_up_tokenization_spaces=False))
            for part in ([*before, *tokens], before)
        )
        return whole[len(start) :].replace("\ufffd", "")

    def _render(self, messages: Messages) -> str:
        return str(
            self._tokenizer.apply_chat_template(
                list(messages),
                chat_template=TEMPLATE_PRELUDE + self._tokenizer.get_chat_template(),
                tokenize=False,
                add_generation_prompt=True,
                **TEMPLATE_SETTINGS,
            )
        )
