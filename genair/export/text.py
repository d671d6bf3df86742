"""Vectors as words: the fewest digits that read back as the same float32."""

from collections.abc import Iterator

import orjson

from genair.export.base import ItemVectors


def lines(vectors: ItemVectors, separator: str) -> Iterator[bytes]:
    """Yield the lines of each block: an id, the separator, and the vector's numbers with spaces between."""
    for ids, block in vectors.blocks:
        # orjson writes float32 as such, a hundred times as fast as Python does
        rows = orjson.dumps(block, option=orjson.OPT_SERIALIZE_NUMPY)[2:-2].split(b"],[")
        heads = (f"{item_id}{separator}".encode() for item_id in ids)
        yield b"".join(head + row.replace(b",", b" ") + b"\n" for head, row in zip(heads, rows, strict=True))
