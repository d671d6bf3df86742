"""Refusing what lies outside its range, the same way everywhere."""

from genair.errors import UsageError

MOST = (1 << 31) - 1  # that a count may be: beyond it libraries fail in ways of their own


def require(fine: bool, name: str, value: object, expected: str) -> None:
    """Refuse a setting unless it is fine.

    Raises:
        UsageError: it is not.
    """
    if not fine:
        raise UsageError(f"{name} must be {expected}, not {value}")


def require_text(name: str, text: str) -> None:
    """Refuse a text that is not all characters, as one from a shell with another encoding.

    Raises:
        UsageError: it is not.
    """
    require(text.isprintable() or text.encode("utf-8", "ignore").decode() == text, name, ascii(text), "UTF-8")


def require_seed(seed: int) -> None:
    """Refuse a seed that not every generator takes.

    Raises:
        UsageError: it is negative, or has more than 63 bits.
    """
    require(0 <= seed < 1 << 63, "--seed", seed, "0 to 2^63 - 1")
