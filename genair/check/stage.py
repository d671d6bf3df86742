"""The whole check: items, log and files in, findings out, as soon as each is read."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from genair.check.catalogue import Catalogue
from genair.check.findings import Finding, Level, judge, one_place
from genair.check.log import Log
from genair.check.rules import OF_EVENTS, OF_FILES, OF_ITEMS, OF_LINES, OF_LINES_OF_LOGS, UNREADABLE
from genair.check.stored import last_step, read_stored
from genair.errors import InputError


def of_items(catalogue: Catalogue) -> Iterator[Finding]:
    """Yield what is found of the items."""
    return chain(judge(OF_LINES, catalogue.lines), judge(OF_ITEMS, catalogue))


def of_log(log: Log) -> Iterator[Finding]:
    """Yield what is found of the log; without a usable event, only of its lines."""
    yield from judge(OF_LINES, log.lines)
    yield from judge(OF_LINES_OF_LOGS, log)
    if len(log):
        yield from judge(OF_EVENTS, log)


def of_files(files: Sequence[tuple[Path, str]], log: Log, limit: int) -> Iterator[Finding]:
    """Yield what is found of files of vectors and models.

    Args:
        files: each with its name.
        log: the events they should serve, and the items.
        limit: how many places of a kind are named.
    """
    origins = frozenset(step for path, _ in files if (step := last_step(path)) is not None)
    for path, name in files:
        try:
            stored = read_stored(path, name, log, origins, limit)
        except InputError as error:
            yield Finding(Level.ERROR, UNREADABLE, one_place(error.where or name, error.message))
        else:
            yield from judge(OF_FILES, stored)
