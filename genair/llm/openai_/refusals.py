"""What a server's refusal means: for one item, for a field of the request, or for the whole run."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from genair.errors import GenairError, InputError, UsageError
from genair.llm.openai_.endpoint import KEY_VARIABLE

_MOST_SHOWN = 200
_TOO_LONG = re.compile(
    r"context[ _-]?(length|size|window)|exceed_context|maximum model length|prompt is too long|token count",
    re.IGNORECASE,
)
_FILTERED = re.compile(
    r"content[ _-]?(filter|policy|management)|moderation|invalid_prompt|data_inspection", re.IGNORECASE
)
_KNOWN_FIELDS = re.compile(r"expected one of.*", re.DOTALL)  # some name, after it, what they do take


def one_line(text: str, secret: str = "") -> str:
    """Return foreign text as at most 200 characters on one line, with a secret blotted out."""
    if secret:
        text = text.replace(secret, "[key]")
    text = " ".join(text.split())
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."


@dataclass(frozen=True)
class Refusal:
    """An answer that is none.

    Attributes:
        status: of HTTP.
        body: all that the server said, as text.
        message: the same for people, on one line.
    """

    status: int
    body: str
    message: str

    @classmethod
    def of(cls, status: int, body: object, secret: str) -> "Refusal":
        """Read a decoded body; the secret is kept out of what may be shown."""
        text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        told = body.get("message") if isinstance(body, dict) else None
        return cls(status, text, one_line(told if isinstance(told, str) else text, secret))

    def is_of_request(self) -> bool:
        """Return whether the server objects to what the request says."""
        return self.status in (400, 422)

    def named(self, fields: Iterable[str]) -> set[str]:
        """Return those of some fields that the server objects to."""
        objected = _KNOWN_FIELDS.sub("", self.body)
        return {field for field in fields if re.search(rf"\b{field}\b", objected)}

    def for_item(self, item_id: str) -> GenairError | None:
        """Return the item's own error, if it is the item that cannot be done."""
        if not self.is_of_request():
            return None
        if _TOO_LONG.search(self.body):
            return InputError(
                f"item {item_id!r}: the prompt exceeds the context of the server's model ({self.message}):"
                " shorten its text, or use --max-field-chars"
            )
        if _FILTERED.search(self.body):
            return GenairError(f"item {item_id!r}: the server's content filter refused it ({self.message})")
        return None

    def for_run(self, where: str, model: str, item_id: str, *, has_key: bool) -> GenairError:
        """Return the error that ends the run.

        Args:
            where: the server's address.
            model: what was asked for.
            item_id: whose request it was.
            has_key: whether there was a key to refuse.
        """
        said = f"({self.status}: {self.message})"
        match self.status:
            case 401 | 403:
                what = "refuses the API key" if has_key else "wants an API key"
                text = f"the server {what} {said}: set {KEY_VARIABLE} or --api-key-file"
            case 404:
                text = f"the server has no model {model!r}, or no chat {said}: check --model and --base-url"
            case 400 | 422:
                text = f"the server refuses the request {said}: check --model and the decoding options"
            case 429:
                text = f"too many requests, or no quota left {said}: try a lower --parallel, or later"
                return GenairError(text, where=where)
            case _:
                text = f"the server failed at item {item_id!r} {said}: look into its log"
                return GenairError(text, where=where)
        return UsageError(text, where=where)
