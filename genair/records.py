"""The records that travel as JSON lines, and what each of them must hold."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from genair.errors import GenairError, InputError, shown

Row = Mapping[str, Any]
_LEVELS = 200  # of nesting: Python's own limit is not far, for what is sent to other processes, say


@dataclass(frozen=True)
class Item:
    """A catalogue item: an outside id and whatever else its line says."""

    item_id: str
    attributes: Mapping[str, Any]

    @classmethod
    def from_row(cls, row: Row, where: str) -> "Item":
        """Read a line of ITEMS.jsonl.

        Raises:
            InputError: the id is missing or not a string, or a value is nested too deep.
        """
        require_shallow(row, where)
        attributes = {key: value for key, value in row.items() if key != "item_id"}
        return cls(require_id(row, "item_id", where), attributes)


@dataclass(frozen=True)
class Archetype:
    """An item's archetype: what was asked, what the model wrote, and how.

    Attributes:
        item_id: outside id.
        prompt: the user's message to the model, without chat format.
        archetype: the whole answer, the primed beginning included.
        finish_reason: `stop` (end of text), `length` (token limit) or `given` (from elsewhere).
        prompt_tokens: tokens fed before the first generated one; 0 when unknown.
        archetype_tokens: generated tokens; 0 when unknown.
        tokens: the generated token ids, only where the text does not tokenise back to them.
        made_by: provenance of the line (`_pg`).
    """

    item_id: str
    prompt: str
    archetype: str
    finish_reason: str = "given"
    prompt_tokens: int = 0
    archetype_tokens: int = 0
    tokens: tuple[int, ...] | None = None
    made_by: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_row(cls, row: Row, where: str) -> "Archetype":
        """Read a line of ARCH.jsonl; lines written by hand or by another model need no `_pg`.

        Raises:
            InputError: a field is missing or of the wrong type, or a value is nested too deep.
        """
        require_shallow(row, where)
        tokens = row.get("_tokens")
        return cls(
            item_id=require_id(row, "item_id", where),
            prompt=require_text(row, "prompt", where),
            archetype=require_text(row, "archetype", where),
            finish_reason=require_text({"finish_reason": "given", **row}, "finish_reason", where),
            prompt_tokens=require_count(row, "prompt_tokens", where),
            archetype_tokens=require_count(row, "archetype_tokens", where),
            tokens=None if tokens is None else require_tokens(tokens, where),
            made_by=require_mapping(row.get("_pg", {}), where),
        )

    def to_row(self) -> dict[str, Any]:
        """Return the line to write."""
        row: dict[str, Any] = {
            "item_id": self.item_id,
            "prompt": self.prompt,
            "archetype": self.archetype,
            "finish_reason": self.finish_reason,
            "prompt_tokens": self.prompt_tokens,
            "archetype_tokens": self.archetype_tokens,
        }
        if self.tokens is not None:
            row["_tokens"] = list(self.tokens)
        return {**row, "_pg": dict(self.made_by)}


@dataclass(frozen=True)
class History:
    """What a user had, first event first.

    Attributes:
        user_id: outside id.
        item_ids: outside ids, one an event.
    """

    user_id: str
    item_ids: Sequence[str]

    @classmethod
    def from_row(cls, row: Row, where: str) -> "History":
        """Read a line of HISTORIES.jsonl.

        Raises:
            InputError: a field is missing or of the wrong type.
        """
        return cls(require_id(row, "user_id", where), require_ids(row, "item_ids", where))


def require_shallow(row: Row, where: str) -> None:
    """Refuse a record that could not travel to another process, or be written again.

    Raises:
        InputError: it is nested deeper than 200 levels.
    """
    level: list[object] = [row]
    for _ in range(_LEVELS):
        level = [part for one in level if isinstance(one, dict | list) for part in _parts(one)]
    if any(isinstance(one, dict | list) for one in level):
        raise InputError(f"nested deeper than {_LEVELS} levels: flatten it", where=where)


def _parts(value: "dict[str, object] | list[object]") -> Iterable[object]:
    return value.values() if isinstance(value, dict) else value


def require_id(row: Row, key: str, where: str) -> str:
    """Return an id, which must be a string that is not empty.

    Raises:
        InputError: it is missing, empty, a number, or anything else.
    """
    value = row.get(key)
    if isinstance(value, str) and value:
        if "\x00" in value:  # HDF5 cannot store it
            raise InputError(f"{key} {shown(value)} holds a null character", where=where)
        return value
    if value is None or value == "":
        raise InputError(f"missing field {key!r}", where=where)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise InputError(f'{key} is the number {value}: ids are strings, write "{value}"', where=where)
    raise InputError(f"{key} must be a string, not {type(value).__name__}", where=where)


def require_ids(row: Row, key: str, where: str) -> Sequence[str]:
    """Return a field that is a list of ids, possibly empty.

    Raises:
        InputError: it is missing or no list, or one of its values is no id.
    """
    value = row.get(key)
    if value is None:
        raise InputError(f"missing field {key!r}", where=where)
    if not isinstance(value, list):
        raise InputError(f"{key} must be a list of ids, not {type(value).__name__}", where=where)
    return [require_id({f"{key}[{at}]": one}, f"{key}[{at}]", where) for at, one in enumerate(value)]


def require_time(row: Row, where: str) -> int | float | None:
    """Return `timestamp`, None where there is none.

    Raises:
        InputError: it is no number.
    """
    time = row.get("timestamp")
    if time is None or (isinstance(time, (int, float)) and not isinstance(time, bool)):
        return time
    raise InputError(f"timestamp must be a number, not {shown(time)}", where=where)


def require_text(row: Row, key: str, where: str) -> str:
    """Return a field that must be present and a string, possibly empty.

    Raises:
        InputError: it is missing or not a string.
    """
    if key not in row:
        raise InputError(f"missing field {key!r}", where=where)
    if not isinstance(row[key], str):
        raise InputError(f"{key} must be a string, not {type(row[key]).__name__}", where=where)
    return str(row[key])


def require_count(row: Row, key: str, where: str) -> int:
    """Return a field that is a whole number; 0 where it is missing.

    Raises:
        InputError: it is something else.
    """
    value = row.get(key)
    if value is None:
        return 0
    if type(value) is not int or value < 0:
        raise InputError(f"{key} must be a whole number, not {value!r}", where=where)
    return value


def require_tokens(value: object, where: str) -> tuple[int, ...]:
    """Return `_tokens`, a list of token ids.

    Raises:
        InputError: it is something else.
    """
    if not isinstance(value, list) or not all(type(token) is int and 0 <= token < 2**31 for token in value):
        raise InputError("_tokens must be a list of token ids", where=where)
    return tuple(value)


def require_mapping(value: object, where: str) -> Row:
    """Return `_pg`, an object.

    Raises:
        InputError: it is something else.
    """
    if not isinstance(value, dict):
        raise InputError("_pg must be an object", where=where)
    return value


@dataclass(frozen=True)
class ChatPrompt:
    """What the model is told: a system message, a user message, and the beginning of its own answer.

    These are data, never chat format: control tokens written in them stay plain text. `item_id` is what
    errors name.
    """

    system: str
    user: str
    prime: str
    item_id: str = field(default="", compare=False)


@dataclass(frozen=True)
class Failed:
    """A record that cannot be used, in the place it would have had: why, and what its line was."""

    error: GenairError
    line: object
