"""The word2vec tool's formats, which gensim and many others read: counts, then an id and its numbers a line.

A space or line end would end a token, and readers in Python take every white space for one; such ids are
refused.
"""

from genair.export.base import Format, ItemVectors, Stream
from genair.export.text import lines


def write_text(vectors: ItemVectors, stream: Stream) -> None:
    """Write numbers as text.

    Raises:
        GenairError: an id holds white space, or nothing.
    """
    _begin(vectors, stream)
    for block in lines(vectors, " "):
        stream.write(block)


def write_binary(vectors: ItemVectors, stream: Stream) -> None:
    """Write numbers as little-endian float32, with a line feed after each vector as the tool itself does.

    Raises:
        GenairError: an id holds white space, or nothing.
    """
    _begin(vectors, stream)
    for ids, block in vectors.blocks:
        rows = zip(ids, block.astype("<f4", copy=False), strict=True)
        stream.write(b"".join(item_id.encode() + b" " + row.tobytes() + b"\n" for item_id, row in rows))


def _begin(vectors: ItemVectors, stream: Stream) -> None:
    vectors.refuse_ids(_fault)
    stream.write(f"{len(vectors.item_ids)} {vectors.dim}\n".encode())


def _fault(item_id: str) -> str | None:
    return None if item_id.split() == [item_id] else "is empty or has white space, which ends a word there"


TEXT = Format(write_text, is_text=True)
BINARY = Format(write_binary)
