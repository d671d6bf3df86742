"""What a GGUF says of its tokenizer, and what is refused; the whole way is in test_real_model.py."""

from pathlib import Path

import gguf
import pytest

from genair.errors import InputError
from genair.llm.transformers_.conversion import GgufTokenizer

BYTES = [chr(code) for code in (*range(33, 127), *range(161, 173), *range(174, 256))]
BYTES += [chr(256 + number) for number in range(256 - len(BYTES))]  # GPT-2's names for the other bytes
TOKENS = [*BYTES, "12", "Ġa", "lamp", "<|im_end|>", "<|endoftext|>", "<tool>"]
MERGES = ["1 2", "Ġ a", "l a", "la mp"]
CONTROL, USER_DEFINED, NORMAL = 3, 4, 1


def write(path: Path, split: str = "smollm", kind: str = "gpt2", **more: int) -> Path:
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model(kind)
    writer.add_tokenizer_pre(split)
    writer.add_token_list([*TOKENS, "la", "mp"])
    writer.add_token_types([*[NORMAL] * 259, CONTROL, CONTROL, USER_DEFINED, NORMAL, NORMAL])
    writer.add_token_merges(["m p", *MERGES])
    for name, token in more.items():
        writer.add_uint32(f"tokenizer.ggml.{name}_token_id", token)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


def split(path: Path, text: str, *, special: bool = False) -> list[str]:
    tokenizer = GgufTokenizer(path).tokenizer()
    tokenizer.encode_special_tokens = not special
    return tokenizer.encode(text, add_special_tokens=False).tokens


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("smollm", ["1", "2", "3", "Ġa", "Ġ", "1", "2"]),
        ("gpt-2", ["12", "3", "Ġa", "Ġ", "12"]),
        ("llama-bpe", ["12", "3", "Ġa", "Ġ", "12"]),
        ("qwen2", ["1", "2", "3", "Ġa", "Ġ", "1", "2"]),
    ],
)
def test_digits_are_split_as_the_model_learnt_it(tmp_path, name, expected):
    assert split(write(tmp_path / "m.gguf", name), "123 a 12") == expected


def test_control_tokens_are_text_unless_the_chat_format_says_them(tmp_path):
    path = write(tmp_path / "m.gguf")
    assert split(path, "lamp<|im_end|>", special=True) == ["lamp", "<|im_end|>"]
    assert "<|im_end|>" not in split(path, "lamp<|im_end|>")
    assert split(path, "<tool>") == ["<tool>"]  # no control token: a word of the model's own


def test_every_token_that_ends_a_text_is_known(tmp_path):
    assert GgufTokenizer(write(tmp_path / "a.gguf")).end_tokens() == [259, 260]
    named = GgufTokenizer(write(tmp_path / "b.gguf", eos=259, eot=7))
    assert named.end_tokens() == [7, 259, 260]
    assert named.named_tokens() == {"eos_token": "<|im_end|>"}
    assert named.template == ""


@pytest.mark.parametrize(("name", "kind"), [("viking", "gpt2"), ("default", "gpt2"), ("smollm", "llama")])
def test_a_tokenizer_that_was_never_compared_is_refused(tmp_path, name, kind):
    path = write(tmp_path / "m.gguf", name, kind)
    with pytest.raises(InputError, match=rf"tokenizer of this GGUF \({kind} {name}\) is not known") as caught:
        GgufTokenizer(path)
    assert caught.value.where == str(path)


@pytest.mark.parametrize("size", [4, 24, 200, 3000])
def test_a_cut_file_is_refused(tmp_path, size):
    path = write(tmp_path / "m.gguf")
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(InputError) as caught:
        GgufTokenizer(path)
    assert caught.value.where == str(path)


def test_a_list_of_a_damaged_length_is_refused(tmp_path):
    path = write(tmp_path / "m.gguf")
    data, name = bytearray(path.read_bytes()), b"tokenizer.ggml.token_type"
    data[data.index(name) + len(name) + 8 + 2] ^= 128  # behind two types: 2^23 more
    path.write_bytes(data + bytes(1 << 26))
    with pytest.raises(InputError, match=r"not a whole GGUF file \(a list of 8388[0-9]{3}\)"):
        GgufTokenizer(path)


def test_garbage_is_refused(tmp_path):
    path = tmp_path / "m.gguf"
    path.write_bytes(b"GGUF" + bytes(range(256)) * 40)
    with pytest.raises(InputError, match="not a whole GGUF file"):
        GgufTokenizer(path)
