"""faiss: an exact inner-product index whose ids are row numbers.

Inner products, since a recommender scores by them, and since they are cosines once vectors have unit length.
"""

import numpy as np

from genair.errors import MissingExtraError
from genair.export.base import Format, ItemVectors, Stream

try:
    import faiss
except ImportError as error:
    raise MissingExtraError.of("faiss-cpu", "export") from error


def write(vectors: ItemVectors, stream: Stream) -> None:
    """Write an `IndexIDMap` over an `IndexFlatIP`; the index, as large as the vectors, is built in memory."""
    index = faiss.IndexIDMap(faiss.IndexFlatIP(vectors.dim))
    for ids, block in vectors.blocks:
        index.add_with_ids(block, np.arange(index.ntotal, index.ntotal + len(ids)))
    faiss.write_index(index, faiss.PyCallbackIOWriter(stream.write))


FORMAT = Format(write, ids_beside=True)
