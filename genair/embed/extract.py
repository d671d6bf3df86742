"""Archetypes in, mean hidden states out: one teacher-forced pass over prompt and answer."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from genair.archetype.prompts import load_template
from genair.config import ArchetypeConfig, EmbedConfig
from genair.errors import InputError
from genair.io.partial import Partial
from genair.io.uniqueness import UniqueIds
from genair.llm.base import NOT_FINITE, Answered, BackendSpec, LLMBackend, PooledStates
from genair.llm.dispatch import map_waves
from genair.llm.fitting import do_fitting, require_room
from genair.llm.spool import add_states
from genair.llm.waves import Unit, Wave
from genair.records import Archetype, ChatPrompt, Failed, Row


@dataclass(frozen=True)
class Reading:
    """One archetype that is to be read.

    Attributes:
        where: the line it was read from.
        line: what was read there.
        record: the archetype.
    """

    where: str
    line: object
    record: Archetype

    @property
    def item_id(self) -> str:
        """Return the outside id."""
        return self.record.item_id

    @property
    def identity(self) -> list[object]:
        """Return what makes the states what they are, besides the model."""
        one = self.record
        return [
            one.item_id,
            _system(one),
            one.prompt,
            _prime(one),
            one.archetype,
            one.finish_reason,
            one.tokens,
        ]


@dataclass(frozen=True)
class Read:
    """An item's states."""

    item_id: str
    states: PooledStates


def read_archetypes(
    rows: Iterable[tuple[str, Row | Failed]], config: EmbedConfig
) -> Iterator[Reading | Failed]:
    """Turn lines of ARCH.jsonl into records that the wanted views can be read from.

    A line that lacks a field, has an id for the second time, or has no text where a view needs it
    becomes a `Failed` in its place.
    """
    seen = UniqueIds()
    for where, row in rows:
        if isinstance(row, Failed):
            yield row
            continue
        try:
            yield _reading(where, row, config, seen)
        except InputError as error:
            yield Failed(error, row)


def _reading(where: str, row: Row, config: EmbedConfig, seen: UniqueIds) -> Reading:
    record = Archetype.from_row(row, where)
    seen.add(record.item_id, where)
    if not record.prompt.strip():
        raise InputError("the prompt is empty", where=where)
    if "archetype" in config.views and not _answer(record).strip():
        raise InputError("the archetype is empty: write it again, or use --views context", where=where)
    return Reading(where, row, record)


def extract_states(
    waves: Iterable[Wave[Reading]], config: EmbedConfig, spec: BackendSpec, workers: int
) -> Generator[Unit[Read], None, None]:
    """Yield what comes of each wave of archetypes, in order."""
    return map_waves(partial(_read_wave, views=config.views), waves, spec, workers)


def keep_states(
    units: Generator[Unit[Read], None, None],
    work: Partial,
    views: Sequence[str],
    skip: Callable[[Failed], None],
) -> Iterator[Unit[Read]]:
    """Pass units on, each as soon as it is safe in a work in progress.

    Args:
        units: what was read; closed at the end, so that whatever goes wrong ends the workers at once.
        work: has the streams of `genair.llm.spool`.
        views: what is kept of the states.
        skip: takes the records that failed; may raise.
    """
    with closing(units):
        for unit in units:
            for outcome in unit.outcomes:
                if isinstance(outcome, Failed):
                    skip(outcome)
                else:
                    add_states(work, outcome.item_id, outcome.states, views)
            work.commit(unit.key)
            yield unit


def _read_wave(backend: LLMBackend, wave: Sequence[Reading], views: Sequence[str]) -> list[Read | Failed]:
    """Read one wave; runs in a worker process."""

    def check(one: Reading) -> None:
        require_room(backend, _answered(one.record).prompt, one.where, answer=_answer(one.record))

    def read(fitting: Sequence[Reading]) -> list[Read | Failed]:
        pooled = backend.states([_answered(one.record) for one in fitting])
        return [_checked(one, states, views) for one, states in zip(fitting, pooled, strict=True)]

    return do_fitting(wave, check, read)


def _checked(one: Reading, states: PooledStates, views: Sequence[str]) -> Read | Failed:
    if any(getattr(states, view) is None for view in views):
        message = "the archetype is a single token, which has no state: use --views context"
        return Failed(InputError(message, where=one.where), one.line)
    if not states.is_finite():
        return Failed(InputError(NOT_FINITE, where=one.where), one.line)
    return Read(one.item_id, states)


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
