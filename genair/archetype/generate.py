"""Items in, archetypes out: a stream of waves over worker processes, in the order of the input."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from genair.archetype.prompts import PromptTemplate, load_template, render_attributes
from genair.config import ArchetypeConfig, Decoding
from genair.errors import InputError
from genair.io.jsonl import OnBad
from genair.llm.base import BackendSpec, LLMBackend
from genair.llm.waves import map_waves, waves_of
from genair.provenance import GENAIR_VERSION, Step
from genair.records import Archetype, ChatPrompt, Item, Row, UniqueIds
from genair.seeding import derive_seed


@dataclass(frozen=True)
class Request:
    """One item's prompt, ready for a model."""

    item_id: str
    prompt: ChatPrompt
    seed: int


def requests(
    rows: Iterable[tuple[str, Row]], config: ArchetypeConfig, on_bad: OnBad | None = None
) -> Iterator[Request]:
    """Turn lines of ITEMS.jsonl into prompts.

    Args:
        rows: `(where, row)` pairs.
        config: the stage's settings.
        on_bad: takes what is wrong with a line, and the line, which is then skipped;
            without it the first bad line raises.

    Raises:
        InputError: an id is missing, not a string or a duplicate, or an item has no text.
    """
    template = load_template(config.prompt)
    seen = UniqueIds()
    for where, row in rows:
        try:
            item = Item.from_row(row, where)
            seen.add(item.item_id, where)
            yield _request(item, template, config, where)
        except InputError as error:
            if on_bad is None:
                raise
            on_bad(error, row)


def write_archetypes(
    wanted: Iterable[Request], config: ArchetypeConfig, spec: BackendSpec, workers: int
) -> Iterator[Archetype]:
    """Yield each request's archetype, in order, as waves are done."""
    work = partial(_answer, decoding=config.decoding)
    made_by = _made_by(config, spec)
    for answered in map_waves(work, waves_of(wanted, config.wave), spec, workers):
        for archetype in answered:
            yield replace(archetype, made_by=made_by)


def _request(item: Item, template: PromptTemplate, config: ArchetypeConfig, where: str) -> Request:
    attributes = render_attributes(item, config.fields, _limit(config, template))
    if not attributes:
        raise InputError(f"item {item.item_id!r} has no text: add a title or drop it", where=where)
    prompt = replace(template.chat(attributes, config.item_type), item_id=item.item_id)
    return Request(item.item_id, prompt, derive_seed(config.seed, item.item_id, prompt.user))


def _answer(backend: LLMBackend, wave: Sequence[Request], decoding: Decoding) -> list[Archetype]:
    """Answer one wave; runs in a worker process."""
    written = backend.generate([one.prompt for one in wave], decoding, [one.seed for one in wave])
    return [
        Archetype(
            item_id=one.item_id,
            prompt=one.prompt.user,
            archetype=one.prompt.prime + made.text,
            finish_reason=made.finish_reason,
            prompt_tokens=made.prompt_tokens,
            archetype_tokens=len(made.tokens),
            tokens=None if made.canonical else made.tokens,
        )
        for one, made in zip(wave, written, strict=True)
    ]


def _made_by(config: ArchetypeConfig, spec: BackendSpec) -> dict[str, Any]:
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
    step = Step("archetype", shared, {}, {"genair": GENAIR_VERSION})
    return {"id": step.id, **shared, "genair": GENAIR_VERSION}


def _limit(config: ArchetypeConfig, template: PromptTemplate) -> int:
    return config.max_field_chars or template.max_field_chars
