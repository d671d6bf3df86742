"""safetensors: the tensor `vectors` (items, dim); ids and provenance are strings in its metadata.

The layout is eight bytes of length, a JSON header and the bare numbers. It is written here and not by the
library, which wants the whole table at once.
"""

import json

from genair.errors import GenairError
from genair.export.base import Format, ItemVectors, Stream

_MOST_HEADER = 100_000_000  # what the library reads
_ALIGNMENT = 8


def write(vectors: ItemVectors, stream: Stream) -> None:
    """Write the header, then the rows.

    Raises:
        GenairError: the ids do not fit into a header.
    """
    shape = [len(vectors.item_ids), vectors.dim]
    ids = json.dumps(list(vectors.item_ids), ensure_ascii=False, separators=(",", ":"))
    header = {
        "__metadata__": {"item_ids": ids, **vectors.metadata()},
        "vectors": {"dtype": "F32", "shape": shape, "data_offsets": [0, 4 * shape[0] * shape[1]]},
    }
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    if len(text) > _MOST_HEADER:
        raise GenairError(
            f"the ids take {len(text):,} bytes, and a safetensors header holds {_MOST_HEADER:,}:"
            " export to parquet or npy",
            where=vectors.name,
        )
    stream.write(len(text).to_bytes(8, "little") + text)
    for _, block in vectors.blocks:
        stream.write(block.astype("<f4", copy=False).tobytes())


FORMAT = Format(write)
