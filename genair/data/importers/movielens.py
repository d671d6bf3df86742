"""MovieLens: 100k (tabs and bars), 1M and 10M (double colons), 20M and later (CSV).

GroupLens, University of Minnesota. Ratings are events. Of a movie its title, year and genres are kept. Which
release it is, the first line says; the old ones are Latin-1.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from genair.config.importing import TableConfig
from genair.data.importers import columns
from genair.data.importers.base import Batch, Fields
from genair.data.importers.delimited import Chunk, Dialect, read_chunks
from genair.io.blocks import Block, read_blocks
from genair.io.dumps import Dump
from genair.records import Failed, Item

_FIELDS = Fields("userId", "movieId", "timestamp", "rating", "s")
_RATINGS = ("userId", "movieId", "rating", "timestamp")
_MOVIES = ("movieId", "title", "genres")
_GENRES = (
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
)
_OLD_MOVIES = ("movieId", "title", "released", "video", "url", *_GENRES)
_YEAR = re.compile(r"\((\d{4})\)\s*$")
_RELEASED = re.compile(r"-(\d{4})$")
_FIRST_LINE = 4096
_NO_GENRES = {"unknown", "(no genres listed)"}


class MovieLens:
    """Ratings and movies."""

    def __init__(self, _table: TableConfig) -> None:
        """Need nothing of a table's settings: the format says all."""

    def log(self, dump: Dump) -> Iterator[Batch]:
        """Yield the ratings as events."""
        chunks = _read(dump, {"\t": _RATINGS, "::": _RATINGS}, _RATINGS)
        return columns.batches(chunks, lambda _: _FIELDS)

    def items(self, dump: Dump) -> Iterator[tuple[str, Item | Failed]]:
        """Yield the movies."""
        chunks = _read(dump, {"::": _MOVIES, "|": _OLD_MOVIES}, _MOVIES)
        return columns.items(chunks, dump.name, "movieId", _tell)


def _read(dump: Dump, old: Mapping[str, tuple[str, ...]], new: tuple[str, ...]) -> Iterator[Chunk]:
    """Divide a file: an old release without a header if its first line has as many separators, else CSV.

    Raises:
        InputError: it is CSV, but lacks columns that MovieLens has.
    """
    start = dump.head(_FIRST_LINE).partition(b"\n")[0].decode("latin-1")
    separator = next((one for one, header in old.items() if start.count(one) == len(header) - 1), None)
    blocks = read_blocks(dump.blocks(), dump.name)
    if separator is not None:
        dialect = Dialect(separator.replace("::", "\t"), old[separator], literal=True)
        yield from read_chunks(map(_modern, blocks), dump.name, dialect)
        return
    for chunk in read_chunks(blocks, dump.name, Dialect(",")):
        columns.require(chunk.columns, new, dump.name)
        yield chunk


def _modern(block: Block) -> Block:
    """Return a block in UTF-8, with tabs for double colons; lines that are no UTF-8 are Latin-1."""
    data = block.data
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        data = b"".join(map(_recoded, block.lines))
    return Block(data.replace(b"::", b"\t"), block.first)


def _recoded(line: bytes) -> bytes:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1").encode()
    return line


def _tell(row: Mapping[str, Any]) -> dict[str, Any]:
    title = row["title"] or ""
    year = _YEAR.search(title) or _RELEASED.search(row.get("released") or "")
    if "genres" in row:
        genres = (row["genres"] or "").split("|")
    else:
        genres = [genre for genre in _GENRES if row[genre] == "1"]
    return {
        "title": title,
        "year": int(year[1]) if year else None,
        "genres": [genre for genre in genres if genre not in _NO_GENRES],
    }
