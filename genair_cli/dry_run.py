"""`--dry-run`: what would be asked, and how long it would take; nothing is written."""

from collections.abc import Sequence
from itertools import islice

from genair.archetype.generate import Request, requests
from genair.archetype.probe import probe
from genair.config import ArchetypeConfig
from genair.errors import InputError
from genair.llm import BACKENDS
from genair.llm.base import BackendSpec
from genair.records import Failed
from genair_cli.console import console
from genair_cli.streams import rows_in
from genair_cli.viewing import wants_json, write_rows

_SHOWN = 3
_PROBED = 4096


def dry_run(
    items: str | None,
    config: ArchetypeConfig,
    spec: BackendSpec,
    workers: int,
    limit: int | None,
    total: int | None,
) -> None:
    """Show the first prompts with their sizes, try the model for some seconds, and say what to expect.

    Raises:
        InputError: there are no items, or one of the first cannot be used.
    """
    with rows_in(items, limit=limit) as source:
        wanted = list(islice(requests(source.records, config), _PROBED))
    good = [one for one in wanted if not isinstance(one, Failed)]
    if not good:
        raise InputError("no items: the input is empty", where=items or "stdin")
    _show(good[:_SHOWN], spec)
    found = probe(good, config, spec, workers)
    if found is None:
        return
    left = "" if total is None else f": about {_time(total * found.seconds_per_item)} for {total} items"
    console.note(
        f"genair archetype: dry run: {found.tokens_per_s:.0f} tokens/s fed by {workers or 1} workers, prompts"
        f" of {found.prompt_tokens:.0f} tokens and answers of at most {config.decoding.max_tokens}{left}"
    )


def _show(first: Sequence[Request], spec: BackendSpec) -> None:
    backend = BACKENDS.get(spec.backend)(spec)
    rows = [
        {
            "item_id": one.item_id,
            "prompt_tokens": backend.count_tokens(one.prompt),
            "system": one.prompt.system,
            "prompt": one.prompt.user,
            "prime": one.prompt.prime,
        }
        for one in first
    ]
    if wants_json(json=False):
        write_rows(rows)
        return
    for row in rows:
        console.table(("", str(row["item_id"])), [(key, str(value)) for key, value in row.items()], left=2)


def _time(seconds: float) -> str:
    """Return e.g. `2 h 05 min`, `12 min` or `40 s`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
