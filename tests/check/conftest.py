"""Small worlds to check, written as rows."""

import io
import json
from collections.abc import Mapping

import pytest

from genair.check import stage
from genair.check.catalogue import Catalogue
from genair.check.findings import Finding
from genair.check.log import Log
from genair.io.jsonl import HashingReader

START, DAY = 1_600_000_000, 86_400


class World:
    """Rows of items and events of which there are only notes, and what is found of these and others."""

    def __init__(self) -> None:
        self.items = [self.item(f"i{n}") for n in range(8)]
        self.events = [
            self.event(f"u{user}", f"i{(user + step) % 8}", START + DAY * (user + 7 * step))
            for user in range(8)
            for step in range(5)
        ]

    @staticmethod
    def item(item_id: object, **attributes: object) -> dict:
        return {"item_id": item_id, "title": f"A lamp called {item_id}", **attributes}

    @staticmethod
    def event(user: object, item_id: object, *time: object) -> dict:
        return {"user_id": user, "item_id": item_id, **({"timestamp": time[0]} if time else {})}

    @staticmethod
    def log(items: list, events: list, limit: int = 3) -> Log:
        catalogue = Catalogue(HashingReader(io.BytesIO(stream_of(items))), "items.jsonl", limit, _ignore)
        return Log(HashingReader(io.BytesIO(stream_of(events))), "log.jsonl", catalogue, limit, _ignore)

    def found(self, items: list | None = None, events: list | None = None, limit: int = 3) -> "Found":
        """Return what is found, by code; of a code that both files have, the log's."""
        log = self.log(
            self.items if items is None else items, self.events if events is None else events, limit
        )
        return {one.code: one for one in (*stage.of_items(log.catalogue), *stage.of_log(log))}


def _ignore(count: int) -> None:
    pass


Found = Mapping[str, Finding]


def stream_of(lines: list) -> bytes:
    """Return rows as lines; what is bytes already stays so, without a line feed of ours."""
    return b"".join(
        line if isinstance(line, bytes) else json.dumps(line, ensure_ascii=False).encode() + b"\n"
        for line in lines
    )


@pytest.fixture(scope="session")
def world() -> World:
    return World()
