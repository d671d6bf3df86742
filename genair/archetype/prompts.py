"""Prompt templates are data: named, versioned, digested; package data or a file of the user's own.

A template is TOML with `version`, `system`, `user`, `prime` and `max_field_chars`; `{item_type}` and
`{attributes}` are replaced. Attribute values never are searched for placeholders.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from genair.errors import InputError
from genair.io.shelf import Shelf
from genair.plaintext import clean_text, has_letters, plain_text, text_keys
from genair.provenance import digest_of
from genair.records import ChatPrompt, Item

TEMPLATES = Shelf("prompt template", resources.files("genair.archetype") / "prompts", takes_paths=True)
_TEXTS = ("system", "user", "prime")
_KEYS = {*_TEXTS, "version", "max_field_chars"}


@dataclass(frozen=True)
class PromptTemplate:
    """The words around an item's attributes.

    Attributes:
        name: of the built-in template, or the file's stem.
        version: raised whenever the words change.
        system: the system message.
        user: the user's message, with `{attributes}`.
        prime: the beginning of the answer.
        max_field_chars: where each attribute is cut.
    """

    name: str
    version: int
    system: str
    user: str
    prime: str
    max_field_chars: int

    @property
    def sha256(self) -> str:
        """Return the digest of all its words."""
        return digest_of([self.system, self.user, self.prime])

    def chat(self, attributes: str, item_type: str) -> ChatPrompt:
        """Return the prompt for one item's rendered attributes."""
        system, user, prime = (getattr(self, name).replace("{item_type}", item_type) for name in _TEXTS)
        return ChatPrompt(system, user.replace("{attributes}", attributes), prime)


def load_template(name: str) -> PromptTemplate:
    """Return a built-in template by name, or one from a TOML file.

    Raises:
        UsageError: there is no such template or file.
        InputError: the file is not a template.
    """
    return _parse(Path(name).stem, TEMPLATES.read(name), name)


def _parse(name: str, data: Mapping[str, Any], where: str) -> PromptTemplate:
    try:
        if unknown := sorted(data.keys() - _KEYS):
            raise ValueError(f"unknown key {unknown[0]}")
        if wrong := [key for key in _TEXTS if not isinstance(data.get(key, ""), str)]:
            raise ValueError(f"{wrong[0]} is not text")
        template = PromptTemplate(
            name=name,
            version=int(data.get("version", 1)),
            system=str(data.get("system", "")),
            user=str(data["user"]).strip("\n"),
            prime=str(data.get("prime", "")),
            max_field_chars=int(data.get("max_field_chars", 300)),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f"not a prompt template ({error})", where=where) from error
    if "{attributes}" not in template.user:
        raise InputError("the template's user text lacks {attributes}", where=where)
    if template.max_field_chars < 1:
        raise InputError("the template's max_field_chars must be 1 or more", where=where)
    return template


def attribute_texts(item: Item, fields: Sequence[str], where: str) -> dict[str, str]:
    """Return an item's attributes as plain text, whole, in the order of `fields`; of all if there are none.

    Addresses, lists of other items and keys that start with `_` are left out; entities and tags of HTML are
    cleaned.

    Raises:
        InputError: a value is nested too deep.
    """
    attributes: Mapping[str, Any] = item.attributes
    try:
        return {key: clean_text(attributes.get(key)) for key in fields or text_keys(attributes)}
    except RecursionError:
        raise InputError(f"item {item.item_id!r} is nested too deep to be read", where=where) from None


def join_texts(texts: Mapping[str, str], max_chars: int, item_id: str, where: str) -> str:
    """Return `key is value; key is value` for an item's texts, each cut; empty ones are left out.

    Raises:
        InputError: no value holds a letter.
    """
    shown = [(key, value[:max_chars].rstrip()) for key, value in texts.items()]
    if not any(has_letters(value) for _, value in shown):
        raise InputError(f"item {item_id!r} has no text: add a title or drop it", where=where)
    return "; ".join(f"{plain_text(key.replace('_', ' '))} is {value}" for key, value in shown if value)


def render_attributes(item: Item, fields: Sequence[str], max_chars: int, where: str) -> str:
    """Return what a prompt says of an item; see `attribute_texts` and `join_texts`.

    Raises:
        InputError: there is no text, or a value is nested too deep.
    """
    return join_texts(attribute_texts(item, fields, where), max_chars, item.item_id, where)
