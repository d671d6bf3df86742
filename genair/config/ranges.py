"""Refusing what lies outside its range, the same way everywhere."""

from genair.errors import UsageError


def require(fine: bool, name: str, value: object, expected: str) -> None:
    """Refuse a setting unless it is fine.

    Raises:
        UsageError: it is not.
    """
    if not fine:
        raise UsageError(f"{name} must be {expected}, not {value}")
