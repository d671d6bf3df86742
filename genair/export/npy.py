"""NumPy's own file: one float32 array (items, dim)."""

import numpy as np

from genair.export.base import Format, ItemVectors, Stream


def write(vectors: ItemVectors, stream: Stream) -> None:
    """Write the header, then the rows."""
    shape = (len(vectors.item_ids), vectors.dim)
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
    for _, block in vectors.blocks:
        stream.write(block.astype("<f4", copy=False).tobytes())


FORMAT = Format(write, ids_beside=True)
