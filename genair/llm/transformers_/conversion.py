"""GGUF files as Hugging Face folders.

The weights are dequantised as transformers does it and kept as F16, which is what llama.cpp's fast copy
holds, so both backends compute with the same numbers. The tokenizer is built here: transformers loses how
text is split before the merges (a model that learnt single digits would read other tokens) and which tokens
end a text. Only splits that were compared with llama.cpp's are known.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

from genair.errors import InputError, MissingExtraError
from genair.llm.transformers_.backend import open_gguf, plain_copy, plain_tokenizer

try:
    import gguf
except ImportError as error:
    raise MissingExtraError.of("gguf", "transformers") from error

_WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+"
_SIGNS = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
# by GGUF's `tokenizer.ggml.pre`: the pattern that text is split by, None for GPT-2's own
_SPLITS = {
    "gpt-2": None,
    "smollm": None,
    "llama-bpe": rf"{_WORDS}|\p{{N}}{{1,3}}|{_SIGNS}",
    "qwen2": rf"{_WORDS}|\p{{N}}|{_SIGNS}",
}
_SINGLE_DIGITS = frozenset({"smollm"})
_WHOLE_WORDS = frozenset({"llama-bpe"})  # a word that is a token is not put together by merges
_LONGEST = 1 << 21  # tokens or merges, several times what the largest vocabularies have
_CONTROL, _USER_DEFINED = 3, 4  # GGUF's token types
_END_TEXTS = frozenset(
    {"<|endoftext|>", "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|end|>", "<end_of_turn>"}
)


def convert(source: Path, folder: Path) -> None:
    """Write a GGUF file as a Hugging Face folder.

    Args:
        source: the GGUF, a single file.
        folder: the folder to make.

    Raises:
        InputError: transformers does not know the architecture, or nobody here the tokenizer.
        OSError: the folder cannot be written.
    """
    header = GgufTokenizer(source)
    with header.shared():
        copy = plain_copy(open_gguf(source), torch.float16)
    copy.generation_config.eos_token_id = header.end_tokens()
    copy.save_pretrained(folder)
    plain_tokenizer(header.tokenizer(), header.named_tokens(), header.template).save_pretrained(folder)
    mode = (folder / "config.json").stat().st_mode
    for file in folder.glob("*.safetensors"):  # else its owner's alone, whatever the umask
        file.chmod(mode)


class _Reader(gguf.GGUFReader):
    """Refuses a list whose length is damaged: gguf would go through it, an entry at a time, for hours."""

    def _get_field_parts(
        self, orig_offs: int, raw_type: int
    ) -> tuple[int, list[npt.NDArray[Any]], list[int], list[gguf.GGUFValueType]]:
        if raw_type == gguf.GGUFValueType.ARRAY:
            (length,) = self._get(orig_offs + 4, np.uint64)  # behind what kind its entries are
            if length > _LONGEST:
                raise ValueError(f"a list of {length}")
        return super()._get_field_parts(orig_offs, raw_type)


class GgufTokenizer:
    """What a GGUF file says of its tokenizer.

    Attributes:
        template: the chat template; empty if there is none.
    """

    def __init__(self, source: Path) -> None:
        """Read the file's header.

        Raises:
            InputError: it is damaged, or splits text in a way not known here.
        """
        try:
            self._reader = _Reader(source)
            self._fields = self._reader.fields
            kind, self._split = self._text("tokenizer.ggml.model"), self._text("tokenizer.ggml.pre")
            self._tokens, self._merges = self._texts("tokens"), self._texts("merges")
            types = self._fields["tokenizer.ggml.token_type"]
            self._types = [int(types.parts[at][0]) for at in types.data]
            self.template = self._text("tokenizer.chat_template")
        except (ValueError, IndexError, KeyError, UnicodeDecodeError) as error:
            raise InputError(f"not a whole GGUF file ({error})", where=str(source)) from error
        if kind != "gpt2" or self._split not in _SPLITS:
            raise InputError(
                f"the tokenizer of this GGUF ({kind} {self._split}) is not known here: name the model's"
                " Hugging Face folder instead, or use --backend llamacpp",
                where=str(source),
            )

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Let transformers use what was read.

        Alone it reads the header twice more, and makes the map of names for each of the model's parts: three
        quarters of its time.
        """
        names = gguf.get_tensor_name_map
        with (
            patch.object(gguf, "GGUFReader", lambda *_: self._reader),
            patch.object(gguf, "get_tensor_name_map", cache(names)),
        ):
            yield

    def tokenizer(self) -> Tokenizer:
        """Return the tokenizer."""
        vocabulary = {text: token for token, text in enumerate(self._tokens)}
        merges: list[Any] = [tuple(merge.split(" ")) for merge in self._merges]
        made = Tokenizer(models.BPE(vocabulary, merges, ignore_merges=self._split in _WHOLE_WORDS))
        made.pre_tokenizer = self._pre_tokenizer()
        made.decoder = decoders.ByteLevel()
        for kind, special in ((_CONTROL, True), (_USER_DEFINED, False)):
            texts = [text for text, found in zip(self._tokens, self._types, strict=True) if found == kind]
            made.add_tokens([AddedToken(text, normalized=False, special=special) for text in texts])
        return made

    def named_tokens(self) -> dict[str, str]:
        """Return the texts of the tokens that have a role, by transformers' name for it."""
        names = {"bos": "bos_token", "eos": "eos_token", "padding": "pad_token", "unknown": "unk_token"}
        found = {names[role]: self._role(role) for role in names}
        return {name: self._tokens[token] for name, token in found.items() if token is not None}

    def end_tokens(self) -> list[int]:
        """Return the tokens that end a text: those the file names, and control tokens known for it."""
        named = [self._role(role) for role in ("eos", "eot", "eom")]
        pairs = enumerate(zip(self._tokens, self._types, strict=True))
        known = {token for token, (text, kind) in pairs if kind == _CONTROL and text in _END_TEXTS}
        return sorted(known.union(token for token in named if token is not None))

    def _pre_tokenizer(self) -> pre_tokenizers.PreTokenizer:
        pattern = _SPLITS[self._split]
        steps: list[pre_tokenizers.PreTokenizer] = []
        if self._split in _SINGLE_DIGITS:
            steps.append(pre_tokenizers.Digits(individual_digits=True))
        if pattern is not None:
            steps.append(pre_tokenizers.Split(Regex(pattern), "isolated"))
        steps.append(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=pattern is None))
        return pre_tokenizers.Sequence(steps)

    def _role(self, role: str) -> int | None:
        field = self._fields.get(f"tokenizer.ggml.{role}_token_id")
        return None if field is None else int(field.parts[field.data[0]][0])

    def _text(self, key: str) -> str:
        field = self._fields.get(key)
        return "" if field is None else bytes(field.parts[field.data[0]]).decode()

    def _texts(self, name: str) -> list[str]:
        field = self._fields[f"tokenizer.ggml.{name}"]
        return [bytes(field.parts[at]).decode() for at in field.data]
