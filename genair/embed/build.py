"""States in, vectors out: raw views into the file block by block, then each reduced and the scores joined.

z_i = [PCA(context_i); PCA(archetype_i)], each view with a projection of its own. The catalogue never has to
fit in memory.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from genair.config import EmbedConfig
from genair.embed.reduce import PCA, Rows, fit_pca
from genair.errors import InputError
from genair.io.embeddings import EmbeddingWriter
from genair.llm.base import PooledStates

_BLOCK = 1024


def build_vectors(states: Iterable[PooledStates], config: EmbedConfig, writer: EmbeddingWriter) -> int:
    """Store the states of all items and the vectors made of them; return the vectors' size.

    Raises:
        InputError: there are fewer than two items, or an item lacks a wanted view.
    """
    for block in _blocks(states, config.views):
        for view, rows in block.items():
            writer.append(f"views/{view}", rows)
    reducers = {view: _fit(view, config, writer) for view in config.views}
    dim = sum(len(reducer.components) for reducer in reducers.values())
    for parts in zip(*(_projected(view, reducers[view], writer) for view in config.views), strict=True):
        writer.append("vectors", np.concatenate(parts, axis=1))
    for view, reducer in reducers.items():
        for name, array in reducer.arrays().items():
            writer.container.write(f"reducer/{view}/{name}", array)
    return dim


def _fit(view: str, config: EmbedConfig, writer: EmbeddingWriter) -> PCA:
    return fit_pca(writer.blocks(f"views/{view}", _BLOCK), config.dim)


def _projected(view: str, reducer: PCA, writer: EmbeddingWriter) -> Iterator[Rows]:
    for rows in writer.blocks(f"views/{view}", _BLOCK):
        yield reducer.project(rows)


def _blocks(states: Iterable[PooledStates], views: tuple[str, ...]) -> Iterator[dict[str, Rows]]:
    rows: dict[str, list[Rows]] = {view: [] for view in views}
    for number, one in enumerate(states, start=1):
        for view in views:
            vector = getattr(one, view)
            if vector is None:
                raise InputError(
                    f"archetype {number} is a single token, which has no state: use --views context"
                )
            rows[view].append(vector)
        if len(rows[views[0]]) == _BLOCK:
            yield {view: np.stack(rows[view]) for view in views}
            rows = {view: [] for view in views}
    if rows[views[0]]:
        yield {view: np.stack(rows[view]) for view in views}
