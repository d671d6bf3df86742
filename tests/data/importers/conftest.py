"""Importers read from bytes, and what came of it in plain Python."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from genair.config.importing import TableConfig
from genair.data.clock import ClockReader
from genair.data.importers import IMPORTERS
from genair.data.importers.checking import check
from genair.io.dumps import Dump
from genair.records import Failed


@dataclass
class Found:
    """What an importer made of an input.

    rows: (user, item, time, rating) of each event, without what there is not.
    failed: "line: error" of each record that is none.
    clock: what the times are; None without events.
    """

    rows: list[tuple]
    failed: list[str]
    clock: object


@pytest.fixture(scope="session")
def read_log() -> Callable[..., Found]:
    """Read a log: read_log("amazon", b"...", time="when")."""

    def read(form: str, data: bytes, **settings: object) -> Found:
        importer = IMPORTERS.get(form)(TableConfig(**settings))
        frames, failed, reader = [], [], None
        for batch in importer.log(Dump(io.BytesIO(data), "log")):
            reader = reader or ClockReader(batch.fields.time_format)
            rows, failures = check(batch, reader, "log")
            frames.append(rows)
            failed += [str(one.error).removeprefix("log:") for one in failures]
        times = [frame["time"] for frame in frames if "time" in frame.columns]
        clock = reader.clock(times[0]) if times else None
        return Found([row for frame in frames for row in frame.rows()], failed, clock)

    return read


@pytest.fixture(scope="session")
def read_items() -> Callable[..., list]:
    """Read items: (id, attributes without empty ones) or the error of each."""

    def read(form: str, data: bytes, **settings: object) -> list:
        importer = IMPORTERS.get(form)(TableConfig(**settings))
        found = []
        for _, one in importer.items(Dump(io.BytesIO(data), "items")):
            if isinstance(one, Failed):
                found.append(str(one.error))
            else:
                told = {key: value for key, value in one.attributes.items() if value not in (None, "", [])}
                found.append((one.item_id, told))
        return found

    return read
