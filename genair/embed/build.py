"""States in, vectors out: each view is stored, reduced by a projection of its own, and the scores joined.

z_i = [PCA(context_i); PCA(archetype_i)]. The catalogue never has to fit in memory.
"""

import numpy as np

from genair.config import EmbedConfig
from genair.embed.reduce import fit_pca
from genair.io.embeddings import EmbeddingWriter
from genair.llm.spool import StatesSpool


def build_vectors(spool: StatesSpool, config: EmbedConfig, writer: EmbeddingWriter) -> int:
    """Store the states of all items and the vectors made of them; return the vectors' size.

    Raises:
        InputError: there are fewer than two items.
    """
    for block in spool.blocks():
        for view in config.views:
            writer.append(f"views/{view}", block[view])
    reducers = {view: fit_pca((block[view] for block in spool.blocks()), config.dim) for view in config.views}
    for block in spool.blocks():
        parts = [reducers[view].project(block[view]) for view in config.views]
        writer.append("vectors", np.concatenate(parts, axis=1))
    for view, reducer in reducers.items():
        for name, array in reducer.arrays().items():
            writer.container.write(f"reducer/{view}/{name}", array)
    return sum(len(reducer.components) for reducer in reducers.values())
