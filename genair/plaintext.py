"""What of an item is text, and how it becomes plain: one rule for importers and for prompts.

Plain text has no tags, no scripts, styles or comments of HTML, no entities and no control characters; white
space is one blank. An address alone is no text. Every pattern takes time linear in its input, whatever it is.
"""

import html
import re
from collections.abc import Mapping

NOT_TEXT = frozenset(
    [
        "asin",
        "parent_asin",
        "image",
        "images",
        "image_url",
        "imageURL",
        "imageURLHighRes",
        "imUrl",
        "videos",
        "url",
        "also_buy",
        "also_bought",
        "also_view",
        "also_viewed",
        "bought_together",
        "buy_after_viewing",
        "related",
        "similar_item",
    ]
)
_HIDDEN = re.compile(
    r"<(script|style)\b[^<>]*>.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.DOTALL | re.IGNORECASE
)
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_ADDRESS = re.compile(r"https?://\S+")


def plain_text(text: str) -> str:
    """Return a text on one line, without HTML; entities are decoded twice, since shops escape twice."""
    text = html.unescape(html.unescape(text))
    text = _SPACE.sub(" ", _TAG.sub(" ", _HIDDEN.sub(" ", text))).strip()
    return "" if _ADDRESS.fullmatch(text) else text


def holds_html(value: object) -> bool:
    """Return whether a JSON value has tags or entities of HTML in its text."""
    match value:
        case str():
            return html.unescape(value) != value or any(one.search(value) for one in (_TAG, _HIDDEN))
        case Mapping():
            return any(map(holds_html, value.values()))
        case list():
            return any(map(holds_html, value))
        case _:
            return False


def clean_text(value: object) -> str:
    """Return a JSON value as plain readable text on one line."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case Mapping():
            parts = ((clean_text(key), clean_text(part)) for key, part in value.items())
            return ", ".join(f"{key}: {part}" for key, part in parts if part)
        case list():
            return ", ".join(dict.fromkeys(part for part in map(clean_text, value) if part))
        case _:
            return plain_text(str(value))


def text_keys(attributes: Mapping[str, object]) -> list[str]:
    """Return the attributes that are told of an item: not genair's own (`_`), addresses or other items."""
    return [key for key in attributes if not key.startswith("_") and key not in NOT_TEXT]


def has_letters(text: str) -> bool:
    """Return whether a text says anything."""
    return any(map(str.isalpha, text))


def joined(text: str) -> str:
    """Return a text whose characters are whole: pairs of halves joined, a half alone replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
