"""What a Hugging Face folder says of itself: plain JSON and the headers of its weights, no library."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

from genair.errors import InputError
from genair.llm.facts import ModelFacts

_LARGEST_HEADER = 100 << 20
_LICENSE = re.compile(r"\A---\s*\n(?:(?!---).*\n)*?license:[ \t]*(\S+)")


def is_model_folder(folder: Path) -> bool:
    """Return whether a folder has a configuration and weights as safetensors."""
    return (folder / "config.json").is_file() and any(folder.glob("*.safetensors"))


def folder_facts(folder: Path) -> ModelFacts:
    """Return what a folder says of its model; what it does not say is 0 or empty.

    Raises:
        InputError: a file is damaged.
    """
    try:
        return _facts(folder)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        what = f"{type(error).__name__}: {error}"
        raise InputError(f"damaged: not what it should say ({what})", where=str(folder)) from error


def _facts(folder: Path) -> ModelFacts:
    outer = _json(folder / "config.json")
    config = {**outer, **(outer.get("text_config") or {})}
    weights, formats = 0, Counter[str]()
    files = sorted(folder.glob("*.safetensors"))
    for path in files:
        for tensor in _tensors(path):
            weights += prod(tensor["shape"])
            formats[tensor["dtype"]] += prod(tensor["shape"])
    heads = config.get("num_attention_heads") or 0
    hidden, layers = config.get("hidden_size") or 0, config.get("num_hidden_layers") or 0
    kv_heads = config.get("num_key_value_heads") or heads
    head = config.get("head_dim") or hidden // max(1, heads)
    return ModelFacts(
        architecture=str(outer.get("model_type", "")),
        parameters=weights,
        quantization=_format(outer, formats),
        size=sum(path.stat().st_size for path in files),
        context=config.get("max_position_embeddings") or 0,
        hidden_size=hidden,
        layers=layers,
        kv_heads=kv_heads,
        kv_width=2 * layers * kv_heads * head,
        vocabulary=config.get("vocab_size") or 0,
        template=_has_template(folder),
        license=_license(folder),
    )


def _format(config: Mapping[str, Any], formats: Counter[str]) -> str:
    """Return how most weights are held: the method of a quantized model, else their type."""
    method = (config.get("quantization_config") or {}).get("quant_method")
    return str(method) if method else max(formats, key=lambda name: formats[name], default="")


def _tensors(path: Path) -> list[Mapping[str, Any]]:
    """Return the descriptions of a safetensors file's tensors: 8 bytes of length, then JSON."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if not 2 <= size <= _LARGEST_HEADER:
            raise InputError("damaged: not a safetensors file", where=str(path))
        header = _parsed(file.read(size), path)
    tensors = [value for name, value in header.items() if name != "__metadata__"]
    end = max((int(tensor["data_offsets"][1]) for tensor in tensors), default=0)
    if path.stat().st_size < 8 + size + end:
        raise InputError("damaged: the file ends before its weights do", where=str(path))
    return tensors


def _has_template(folder: Path) -> bool:
    if (folder / "chat_template.jinja").is_file():
        return True
    tokenizer = folder / "tokenizer_config.json"
    return tokenizer.is_file() and bool(_json(tokenizer).get("chat_template"))


def _license(folder: Path) -> str:
    """Return the licence in the head of the model card."""
    try:
        found = _LICENSE.match((folder / "README.md").read_text("utf-8", errors="replace"))
    except OSError:
        return ""
    return found.group(1).strip("\"'") if found else ""


def _json(path: Path) -> Mapping[str, Any]:
    return _parsed(path.read_bytes(), path)


def _parsed(data: bytes, path: Path) -> Mapping[str, Any]:
    try:
        value = json.loads(data)
    except ValueError as error:
        raise InputError(f"damaged: not JSON ({error})", where=str(path)) from error
    if not isinstance(value, dict):
        raise InputError("damaged: not a JSON object", where=str(path))
    return value
