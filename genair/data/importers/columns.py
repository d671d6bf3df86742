"""Columns of text as events and items."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from genair.data.importers.base import Batch, Fields
from genair.data.importers.delimited import Chunk
from genair.data.importers.exact import exact_id
from genair.errors import InputError
from genair.records import Failed, Item


def batches(chunks: Iterable[Chunk], fields_of: Callable[[Collection[str]], Fields]) -> Iterator[Batch]:
    """Yield a log's events.

    Args:
        chunks: its records.
        fields_of: tells what the parts of an event are called from the names of all columns.
    """
    for chunk in chunks:
        fields = fields_of(chunk.columns)
        found = {part: chunk.columns[name] for part, name in fields.parts().items()}
        yield Batch(fields, chunk.lines, found, found, chunk.failures, chunk.block.line)


def items(
    chunks: Iterable[Chunk], name: str, key: str, tell: Callable[[dict[str, Any]], Mapping[str, Any]]
) -> Iterator[tuple[str, Item | Failed]]:
    """Yield items with what `tell` finds worth telling.

    Args:
        chunks: their records.
        name: what errors call the input.
        key: the column of the item's id.
        tell: returns the attributes of a record.

    Raises:
        InputError: there is no such column.
    """
    for chunk in chunks:
        require(chunk.columns, [key], name)
        found: dict[int, Item | Failed] = dict(chunk.failures)
        rows = zip(*(column.to_list() for column in chunk.columns.values()), strict=True)
        for line, values in zip(chunk.lines, rows, strict=True):
            row = dict(zip(chunk.columns, values, strict=True))
            where = f"{name}:{line}"
            try:
                found[line] = Item(exact_id(row, key, where), tell(row))
            except InputError as error:
                found[line] = Failed(error, chunk.block.line(line))
        for line in sorted(found):
            yield f"{name}:{line}", found[line]


def require(there: Collection[str], wanted: Iterable[str], name: str, hint: str = "") -> None:
    """Refuse an input that lacks columns; `hint` ends the error.

    Raises:
        InputError: it does.
    """
    for column in wanted:
        if column not in there:
            raise InputError(f"no column {column!r}: there are {', '.join(there)}{hint}", where=name)
