"""The file of an embedding run: vectors made of spooled states, and who made them, step by step."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from threadpoolctl import threadpool_limits

from genair.config import EmbedConfig
from genair.embed.build import build_vectors
from genair.embed.extract import Reading
from genair.embed.like import Likeness
from genair.io.embeddings import EmbeddingWriter
from genair.llm import PACKAGES
from genair.llm.base import BackendSpec
from genair.llm.spool import StatesSpool
from genair.provenance import Step, add_step, archetype_step
from genair.records import Failed

_MOST_STEPS = 16


class Ledger:
    """Remembers, of the archetypes that pass, what the file must say about them.

    Attributes:
        steps: the runs that wrote them, oldest first, at most 16.
        foreign: how many another model wrote than the one whose states are taken.
    """

    def __init__(self, spec: BackendSpec) -> None:
        """Take the model whose states are taken."""
        self.steps: dict[str, Step] = {}
        self.foreign = 0
        self._spec = spec

    def watch(self, readings: Iterable[Reading | Failed]) -> Iterator[Reading | Failed]:
        """Pass archetypes through and take note."""
        for reading in readings:
            if isinstance(reading, Reading):
                self._note(dict(reading.record.made_by))
            yield reading

    def _note(self, made_by: dict[str, object]) -> None:
        model = made_by.get("model")
        if isinstance(model, dict):
            self.foreign += model.get("sha256") != self._spec.sha256
        step_id = str(made_by.get("id", ""))
        if step_id and step_id not in self.steps and len(self.steps) < _MOST_STEPS:
            self.steps[step_id] = archetype_step(made_by)


def write_embeddings(
    writer: EmbeddingWriter,
    spool: StatesSpool,
    config: EmbedConfig,
    spec: BackendSpec,
    *,
    steps: Sequence[Step],
    archetypes_sha256: str,
    fused: bool = False,
    like: Likeness | None = None,
) -> int:
    """Fill an embedding file; return the vectors' size.

    Args:
        writer: the new file.
        spool: the states.
        config: how vectors are made of them.
        spec: the model whose states they are.
        steps: the runs that wrote the archetypes.
        archetypes_sha256: digest of the archetypes' file.
        fused: whether the states are those of the run that wrote the archetypes.
        like: the file whose projections are used; None fits new ones.

    Raises:
        InputError: there are fewer than two items to fit to, or none to project.
    """
    with threadpool_limits(1, user_api="blas"):  # the same bytes on any number of cores, and no spinning
        dim = build_vectors(spool, config, writer, None if like is None else like.reducers)
    settings = {**read_settings(config, spec, like), **({"fused": True} if fused else {})}
    inputs = {"archetypes": archetypes_sha256}
    before = steps if like is None else like.join(steps)
    every = add_step(before, "embed", settings, inputs, PACKAGES.get(spec.backend, ()))
    writer.finish(list(spool.item_ids()), dim, every)
    return dim


def read_settings(config: EmbedConfig, spec: BackendSpec, like: Likeness | None = None) -> dict[str, Any]:
    """Return what shapes the vectors, for provenance; `like` is the id of the step that fitted them."""
    return {
        "model": {"name": spec.name, "sha256": spec.sha256, "runs": spec.runs},
        "backend": spec.backend,
        "views": list(config.views),
        "dim": config.dim,
        "wave": config.wave,
        **({} if like is None else {"like": like.made_by.id}),
    }
