"""States in, vectors out: each view is stored, reduced by a projection of its own, and the scores joined.

z_i = [PCA(context_i); PCA(archetype_i)]. The catalogue never has to fit in memory.
"""

from collections.abc import Mapping

import numpy as np

from genair.config import EmbedConfig
from genair.embed.reduce import PCA, fit_pca
from genair.errors import InputError
from genair.io.embeddings import EmbeddingWriter
from genair.llm.spool import StatesSpool


def build_vectors(
    spool: StatesSpool,
    config: EmbedConfig,
    writer: EmbeddingWriter,
    reducers: Mapping[str, PCA] | None = None,
) -> int:
    """Store the states of all items and the vectors made of them; return the vectors' size.

    Args:
        spool: the states.
        config: which views, and the size of projections that are fitted.
        writer: the new file.
        reducers: ready projections by view; None fits them to these states.

    Raises:
        InputError: there are fewer than two items to fit to, or none to project.
    """
    for block in spool.blocks():
        for view in config.views:
            writer.append(f"views/{view}", block[view])
    if reducers is None:
        reducers = {
            view: fit_pca((block[view] for block in spool.blocks()), config.dim) for view in config.views
        }
    elif next(spool.item_ids(), None) is None:
        raise InputError("no item is left to make a vector of")
    for block in spool.blocks():
        parts = [reducers[view].project(block[view]) for view in config.views]
        writer.append("vectors", np.concatenate(parts, axis=1))
    for view, reducer in reducers.items():
        for name, array in reducer.arrays().items():
            writer.container.write(f"reducer/{view}/{name}", array)
    return sum(len(reducer.components) for reducer in reducers.values())
