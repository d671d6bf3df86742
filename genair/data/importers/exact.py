"""Ids are text, exactly: `007` stays so, white space is part of it, no number goes through floating point."""

from collections.abc import Mapping
from typing import Any

from genair.errors import InputError, shown

MISSING = "missing"


def exact_id(row: Mapping[str, Any], key: str, where: str) -> str:
    """Return an id as text; a whole number is written out, anything else is refused.

    Raises:
        InputError: it is missing, or neither text nor a whole number.
    """
    value = row.get(key)
    if (reason := refused_id(value)) is not None:
        raise InputError(complaint(key, reason), where=where)
    return str(value)


def refused_id(value: object) -> str | None:
    """Return why a value cannot be an id: MISSING, or what follows its name in an error; None if it can."""
    match value:
        case None | "":
            return MISSING
        case str():
            return f"{shown(value)} holds a null character" if "\0" in value else None
        case bool():
            return "must be text, not true or false"
        case int():
            return None
        case float():
            return f"is the number {value}, which may have been rounded: write ids as text"
        case _:
            return f"must be text, not {type(value).__name__}"


def complaint(field: str, reason: str) -> str:
    """Return what is wrong with a field: that it is missing, or its name and the reason."""
    return f"missing field {field!r}" if reason == MISSING else f"{field} {reason}"
