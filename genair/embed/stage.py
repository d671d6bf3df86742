"""The whole stage: archetype records in, a finished embedding file out, with its provenance."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from genair.config import EmbedConfig
from genair.embed.build import build_vectors
from genair.embed.extract import extract_states, read_archetypes
from genair.errors import InputError
from genair.io.embeddings import EmbeddingWriter
from genair.llm.base import BackendSpec, PooledStates
from genair.provenance import Step, add_step
from genair.records import Archetype, Row

_MOST_STEPS = 16


@dataclass(frozen=True)
class Embedded:
    """What was made.

    Attributes:
        items: how many vectors.
        dim: their size.
        foreign: how many archetypes another model wrote than the one whose states these are.
    """

    items: int
    dim: int
    foreign: int


class _Ledger:
    """Remembers, of the records that pass, what the file must say about them."""

    def __init__(self, spec: BackendSpec) -> None:
        self.item_ids: list[str] = []
        self.steps: dict[str, Step] = {}
        self.foreign = 0
        self._spec = spec

    def watch(self, records: Iterable[Archetype]) -> Iterator[Archetype]:
        for record in records:
            self.item_ids.append(record.item_id)
            made_by = dict(record.made_by)
            model = made_by.get("model")
            if isinstance(model, dict):
                self.foreign += model.get("sha256") != self._spec.sha256
            step_id = str(made_by.pop("id", ""))
            if step_id and step_id not in self.steps and len(self.steps) < _MOST_STEPS:
                version = str(made_by.pop("genair", "unknown"))
                self.steps[step_id] = Step("archetype", made_by, {}, {"genair": version})
            yield record


def embed_records(
    rows: Iterable[tuple[str, Row]],
    config: EmbedConfig,
    spec: BackendSpec,
    workers: int,
    writer: EmbeddingWriter,
    *,
    name: str,
    digest: Callable[[], str],
    watch: Callable[[Iterator[PooledStates]], Iterable[PooledStates]] = lambda states: states,
) -> Embedded:
    """Embed lines of ARCH.jsonl.

    Args:
        rows: `(where, row)` pairs.
        config: the stage's settings.
        spec: the language model.
        workers: processes.
        writer: the new file.
        name: what errors call the input.
        digest: gives the SHA-256 of the input, called once all of it is read.
        watch: passes the states through, one an item, e.g. to show progress.

    Raises:
        InputError: a line breaks its schema, or there are none.
    """
    ledger = _Ledger(spec)
    records = ledger.watch(read_archetypes(rows, config))
    try:
        dim = build_vectors(watch(extract_states(records, config, spec, workers)), config, writer)
    except InputError as error:
        if error.where is not None:
            raise
        message = error.message if ledger.item_ids else "no archetypes: the input is empty"
        raise InputError(message, where=name) from error
    settings = {
        "model": {"name": spec.name, "sha256": spec.sha256, "runs": spec.runs},
        "backend": spec.backend,
        "views": list(config.views),
        "dim": config.dim,
        "wave": [config.wave, spec.parallel],
    }
    packages = ["llama-cpp-python"] if spec.backend == "llamacpp" else []
    steps = add_step(list(ledger.steps.values()), "embed", settings, {"archetypes": digest()}, packages)
    writer.finish(ledger.item_ids, dim, steps)
    return Embedded(len(ledger.item_ids), dim, ledger.foreign)
