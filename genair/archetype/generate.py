"""Items in, archetypes out: a stream of waves over worker processes, in the order of the input."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from genair.archetype.prompts import PromptTemplate, load_template, render_attributes
from genair.config import VIEWS, ArchetypeConfig
from genair.errors import GenairError, InputError
from genair.io.jsonl import encode_line
from genair.io.partial import Partial
from genair.io.uniqueness import UniqueIds
from genair.llm import PACKAGES
from genair.llm.base import NOT_FINITE, BackendSpec, Generation, LLMBackend, PooledStates
from genair.llm.dispatch import map_waves
from genair.llm.fitting import do_fitting, require_room
from genair.llm.openai_.endpoint import endpoint_name
from genair.llm.spool import add_states
from genair.llm.waves import Unit, Wave
from genair.provenance import archetype_step, versions_of
from genair.records import Archetype, ChatPrompt, Failed, Item, Row
from genair.seeding import derive_seed


@dataclass(frozen=True)
class Request:
    """One item's prompt, ready for a model.

    Attributes:
        where: the line it was read from.
        line: what was read there.
        prompt: what the model is told.
        seed: of the item's own random numbers; 0 where there are none.
    """

    where: str
    line: object
    prompt: ChatPrompt
    seed: int

    @property
    def item_id(self) -> str:
        """Return the outside id."""
        return self.prompt.item_id

    @property
    def identity(self) -> list[object]:
        """Return what makes the answer what it is, besides the settings."""
        return [self.item_id, self.prompt.user, self.seed]


@dataclass(frozen=True)
class Written:
    """An archetype, and the states that went by when it was written, if they were wanted."""

    archetype: Archetype
    states: PooledStates | None


def requests(rows: Iterable[tuple[str, Row | Failed]], config: ArchetypeConfig) -> Iterator[Request | Failed]:
    """Turn lines of ITEMS.jsonl into prompts.

    A line without an id or with a duplicate, and an item without text, become a `Failed` in their place.

    Args:
        rows: `(where, row)` pairs.
        config: the stage's settings.
    """
    template = load_template(config.prompt)
    seen = UniqueIds()
    for where, row in rows:
        if isinstance(row, Failed):
            yield row
            continue
        try:
            item = Item.from_row(row, where)
            seen.add(item.item_id, where)
            yield _request(item, template, config, where)
        except InputError as error:
            yield Failed(error, row)


def write_archetypes(
    waves: Iterable[Wave[Request]],
    config: ArchetypeConfig,
    spec: BackendSpec,
    workers: int,
    *,
    want_states: bool = False,
) -> Generator[Unit[Written], None, None]:
    """Yield what comes of each wave of requests, in order."""
    work = partial(_answer, config=config, made_by=provenance(config, spec), want_states=want_states)
    return map_waves(work, waves, spec, workers)


def keep_archetypes(
    units: Generator[Unit[Written], None, None], work: Partial, skip: Callable[[Failed], None]
) -> Iterator[Unit[Written]]:
    """Pass units on, each as soon as it is safe in a work in progress.

    Args:
        units: what was written; closed at the end, so that whatever goes wrong ends the workers at once.
        work: has the stream `lines`, and those of `genair.llm.spool` if states were wanted.
        skip: takes the records that failed; may raise.
    """
    with closing(units):
        for unit in units:
            for outcome in unit.outcomes:
                if isinstance(outcome, Failed):
                    skip(outcome)
                    continue
                work.write("lines", encode_line(outcome.archetype.to_row()))
                if outcome.states is not None:
                    add_states(work, outcome.archetype.item_id, outcome.states, VIEWS)
            work.commit(unit.key)
            yield unit


def _request(item: Item, template: PromptTemplate, config: ArchetypeConfig, where: str) -> Request:
    attributes = render_attributes(item, config.fields, _limit(config, template), where)
    prompt = replace(template.chat(attributes, config.item_type), item_id=item.item_id)
    line = {"item_id": item.item_id, **item.attributes}
    sampled = config.decoding.temperature > 0
    seed = derive_seed(config.seed, item.item_id, prompt.user) if sampled else 0
    return Request(where, line, prompt, seed)


def _answer(
    backend: LLMBackend,
    wave: Sequence[Request],
    config: ArchetypeConfig,
    made_by: Mapping[str, Any],
    want_states: bool,
) -> list[Written | Failed]:
    """Answer one wave; runs in a worker process."""

    def check(one: Request) -> None:
        require_room(backend, one.prompt, one.where, room=config.decoding.max_tokens)

    def write(fitting: Sequence[Request]) -> list[Written | Failed]:
        prompts, seeds = [one.prompt for one in fitting], [one.seed for one in fitting]
        answers = backend.generate(prompts, config.decoding, seeds, want_states=want_states)
        pairs = zip(fitting, answers, strict=True)
        return [_outcome(one, made, made_by) for one, made in pairs]

    return do_fitting(wave, check, write)


def _outcome(one: Request, made: Generation | GenairError, made_by: Mapping[str, Any]) -> Written | Failed:
    if isinstance(made, GenairError):
        made.where = made.where or one.where
        return Failed(made, one.line)
    if made.states is not None and not made.states.is_finite():
        return Failed(InputError(NOT_FINITE, where=one.where), one.line)
    return Written(_archetype(one, made, made_by), made.states)


def _archetype(one: Request, made: Generation, made_by: Mapping[str, Any]) -> Archetype:
    return Archetype(
        item_id=one.item_id,
        prompt=one.prompt.user,
        archetype=one.prompt.prime + made.text if made.primed else made.text,
        finish_reason=made.finish_reason,
        prompt_tokens=made.prompt_tokens,
        archetype_tokens=len(made.tokens) if made.token_count is None else made.token_count,
        tokens=None if made.canonical else made.tokens,
        made_by=made_by,
    )


def provenance(config: ArchetypeConfig, spec: BackendSpec) -> dict[str, Any]:
    """Return the `_pg` of a run's lines; its id is that of the step the lines become in an embedding file."""
    template = load_template(config.prompt)
    prompt = template.chat("", config.item_type)
    shared: dict[str, Any] = {
        "model": {"name": spec.name, "sha256": spec.sha256, "runs": spec.runs},
        "backend": spec.backend,
        "prompt": {"name": template.name, "version": template.version, "sha256": template.sha256},
        "decoding": config.decoding.settings(),
        "item_type": config.item_type,
        "fields": list(config.fields),
        "max_field_chars": _limit(config, template),
        "wave": [config.wave, spec.parallel],
        "system": prompt.system,
        "prime": prompt.prime,
    }
    if config.decoding.temperature > 0:
        shared["seed"] = config.seed
    if spec.base_url:
        shared["endpoint"] = endpoint_name(spec.base_url)
    shared["versions"] = versions_of(PACKAGES.get(spec.backend, ()))
    return {"id": archetype_step(shared).id, **shared}


def _limit(config: ArchetypeConfig, template: PromptTemplate) -> int:
    return config.max_field_chars or template.max_field_chars
