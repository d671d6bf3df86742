"""Archetypes in, mean hidden states out: one teacher-forced pass over prompt and answer."""

from collections.abc import Iterable, Iterator, Sequence

from genair.archetype.prompts import load_template
from genair.config import ArchetypeConfig, EmbedConfig
from genair.errors import InputError
from genair.llm.base import Answered, BackendSpec, LLMBackend, PooledStates
from genair.llm.waves import map_waves, waves_of
from genair.records import Archetype, ChatPrompt, Row, UniqueIds


def read_archetypes(rows: Iterable[tuple[str, Row]], config: EmbedConfig) -> Iterator[Archetype]:
    """Turn lines of ARCH.jsonl into records that the wanted views can be read from.

    Raises:
        InputError: a field is missing, an id comes twice, or a text is empty that a view needs.
    """
    seen = UniqueIds()
    for where, row in rows:
        record = Archetype.from_row(row, where)
        seen.add(record.item_id, where)
        if not record.prompt.strip():
            raise InputError("the prompt is empty", where=where)
        if "archetype" in config.views and not _answer(record).strip():
            raise InputError("the archetype is empty: write it again, or use --views context", where=where)
        yield record


def extract_states(
    records: Iterable[Archetype], config: EmbedConfig, spec: BackendSpec, workers: int
) -> Iterator[PooledStates]:
    """Yield each record's states, in order, as waves are done."""
    for wave in map_waves(_read_wave, waves_of(records, config.wave), spec, workers):
        yield from wave


def _read_wave(backend: LLMBackend, wave: Sequence[Archetype]) -> list[PooledStates]:
    """Read one wave; runs in a worker process."""
    return backend.states([_answered(record) for record in wave])


def _answered(record: Archetype) -> Answered:
    prompt = ChatPrompt(_system(record), record.prompt, _prime(record), record.item_id)
    cut = record.finish_reason == "length"
    return Answered(prompt, _answer(record), record.tokens, cut)


def _system(record: Archetype) -> str:
    """Return the system message the line was made with; for lines from elsewhere, our default's."""
    system = record.made_by.get("system")
    return load_template(ArchetypeConfig().prompt).system if system is None else str(system)


def _prime(record: Archetype) -> str:
    """Return the primed beginning of the answer, if the answer still begins with it."""
    prime = str(record.made_by.get("prime", ""))
    return prime if record.archetype.startswith(prime) else ""


def _answer(record: Archetype) -> str:
    return record.archetype.removeprefix(_prime(record))
