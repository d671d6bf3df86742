"""Items in, archetypes out: a stream of waves over worker processes, in the order of the input."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from genair.archetype.prompts import PromptTemplate, load_template, render_attributes
from genair.config import ArchetypeConfig, Decoding
from genair.errors import InputError
from genair.io.jsonl import OnBad
from genair.llm.base import BackendSpec, LLMBackend
from genair.llm.waves import map_waves, waves_of
from genair.provenance import GENAIR_VERSION, digest_of
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
            yield Archetype(**{**vars(archetype), "made_by": {**made_by, **archetype.made_by}})


def _request(item: Item, template: PromptTemplate, config: ArchetypeConfig, where: str) -> Request:
    limit = config.max_field_chars or template.max_field_chars
    attributes = render_attributes(item, config.fields, limit)
    if not attributes:
        raise InputError(f"item {item.item_id!r} has no text: add a title or drop it", where=where)
    prompt = template.chat(attributes, config.item_type)
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
            made_by={"system": one.prompt.system, "prime": one.prompt.prime},
        )
        for one, made in zip(wave, written, strict=True)
    ]


def _made_by(config: ArchetypeConfig, spec: BackendSpec) -> dict[str, Any]:
    """Return the part of `_pg` that all lines of a run share."""
    template = load_template(config.prompt)
    shared: dict[str, Any] = {
        "model": {"name": spec.name, "sha256": spec.sha256, "runs": spec.runs},
        "backend": spec.backend,
        "prompt": {"name": template.name, "version": template.version, "sha256": template.sha256},
        "decoding": config.decoding.settings(),
        "wave": [config.wave, spec.parallel],
        "genair": GENAIR_VERSION,
    }
    if config.decoding.temperature > 0:
        shared["seed"] = config.seed
    return {"id": f"archetype-{digest_of(shared)[:12]}", **shared}
