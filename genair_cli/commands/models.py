"""`genair models`: which language models are here, and their fast copies."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genair.config import DEFAULT_MODEL
from genair.errors import InputError, UsageError
from genair_cli import options, viewing
from genair_cli.console import console
from genair_cli.status import Status

if TYPE_CHECKING:
    from genair.llm.models.catalogue import Listed
    from genair.llm.models.checks import Verdict

_MIB = 1 << 20
_HEADINGS = ("name", "MiB", "weights", "format", "context", "template", "licence", "runs as", "sha256")


class Action(StrEnum):
    """What to do with the models."""

    LIST = "list"
    PREPARE = "prepare"
    VERIFY = "verify"
    REMOVE = "remove"


def models(
    context: typer.Context,
    action: Annotated[
        Action,
        typer.Argument(metavar="ACTION", show_default=False),
    ] = Action.LIST,
    name: Annotated[str | None, typer.Argument(metavar="NAME|FILE", show_default=False)] = None,
    sha256: Annotated[bool, typer.Option("--sha256", help="Compute digests that are not known yet.")] = False,
    download: options.Download = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
    no_color: options.NoColor = False,
) -> Status:
    """List the language models that are here, or see to their fast copies.

    Here are: the embedded one, GGUF files below $GENAIR_MODELS, and the Hugging Face cache.
    prepare makes the fast copy that the first use would make; verify computes all digests afresh and
    loads the files, without weights; remove deletes fast copies, never a model.
    """
    if action is not Action.PREPARE:
        options.refuse_idle(context, f"does not go with {action.value}", "download")
    if action is not Action.LIST:
        options.refuse_idle(context, f"does not go with {action.value}", "sha256")
    match action:
        case Action.LIST:
            _list(name, sha256=sha256, json=json)
        case Action.PREPARE:
            _show([_prepared(DEFAULT_MODEL if name is None else name, download=download)], json=json)
        case Action.VERIFY:
            _verify(name, json=json)
        case Action.REMOVE:
            _show([_removed(name)], json=json)
    return Status.DONE


def _list(name: str | None, *, sha256: bool, json: bool) -> None:
    """Show what is here, and warn of what cannot be used."""
    from genair.llm.models.catalogue import catalogue

    found = [one for one in catalogue(digests=sha256) if name in (None, one.name)]
    if name is not None and not found:
        raise UsageError(f"no model {name!r} is listed here")
    if viewing.wants_json(json):
        viewing.write_rows(_row(one) for one in found)
        return
    console.table(_HEADINGS, (_cells(one) for one in found))
    for one in found:
        if one.problem:
            console.note(f"genair models: warning: {one.path}: {one.problem}")
    if not found:
        console.note(
            "genair models: nothing here: pip install 'genair[llamacpp]' brings a small model;"
            " GENAIR_MODELS names folders with GGUF files"
        )


def _prepared(name: str, *, download: bool) -> dict[str, Any]:
    from genair.llm.models.files import find_model
    from genair.llm.models.headers import facts_of
    from genair.llm.models.prepared import prepared_copy, reason_as_is

    model = find_model(name, download=download)
    facts = facts_of(model)
    running = prepared_copy(model, facts, console.notes_of("genair models"))
    row = {"name": model.name, "runs": running.runs, "path": str(running.path)}
    if reason := reason_as_is(facts):
        return {**row, "reason": reason}
    return {**row, "tokens_per_cpu_second": dict(running.rates)}


def _verify(name: str | None, *, json: bool) -> None:
    """Check one model with its copies, or all.

    Raises:
        InputError: a file is damaged.
    """
    verdicts: list[Verdict] = []
    with console.counting("models verified") as tick:
        for verdict in _verdicts(name):
            verdicts.append(verdict)
            tick(verdict.name)
    _show(
        [
            {
                "name": one.name,
                "path": str(one.path),
                "sha256": one.sha256,
                "compared_with": one.against,
                "status": one.problem or "ok",
            }
            for one in verdicts
        ],
        json=json,
    )
    damaged = [one for one in verdicts if one.problem]
    if damaged:
        more = f" (and {len(damaged) - 1} more)" if len(damaged) > 1 else ""
        raise InputError(f"{damaged[0].problem}{more}", where=str(damaged[0].path))


def _verdicts(name: str | None) -> "Iterator[Verdict]":
    from genair.llm.models.checks import check_all, check_named

    return check_all() if name is None else check_named(name)


def _removed(name: str | None) -> dict[str, Any]:
    """Delete a model's copies.

    Raises:
        UsageError: no model is named, or it is not here and nothing is left of it.
    """
    if name is None:
        raise UsageError("remove needs the NAME of a model: `genair models` lists them")
    from genair.llm.models.files import find_model
    from genair.llm.models.shelf import Shelf, shelves_of

    shelves = shelves_of(name) or [Shelf(find_model(name).sha256)]
    freed = sum(shelf.clear() for shelf in shelves)
    console.note(f"genair models: {freed // _MIB} MiB freed; models themselves are never removed")
    return {"name": name, "freed": freed}


def _show(rows: Iterable[dict[str, Any]], *, json: bool) -> None:
    found = list(rows)
    if viewing.wants_json(json):
        viewing.write_rows(found)
    elif found:
        headings = [name.replace("_", " ") for name in found[0]]
        console.table(headings, ([_short(*pair) for pair in row.items()] for row in found), left=9)


def _short(name: str, value: object) -> str:
    """Return a value as a table has it: less of a digest, no braces."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {number}" for key, number in value.items())
    return str(value)[:12] if name == "sha256" else str(value)


def _row(one: "Listed") -> dict[str, Any]:
    """Return a row with the same keys for every model; what is not known is null."""
    from genair.llm.facts import ModelFacts

    facts = {
        f"weights_{name}" if name == "size" else name: getattr(one.facts, name, None)
        for name in ModelFacts.__dataclass_fields__
    }
    return {
        "name": one.name,
        "backend": one.backend,
        "path": str(one.path),
        "size": one.size,
        **facts,
        "sha256": one.sha256 or None,
        "runs": one.runs or None,
        "problem": one.problem or None,
    }


def _cells(one: "Listed") -> tuple[str, ...]:
    facts = one.facts
    if facts is None:
        return (one.name, str(one.size // _MIB), *("?",) * 4, "", "cannot be used", one.sha256[:12])
    return (
        one.name,
        str(one.size // _MIB),
        f"{facts.architecture} {facts.parameters / 1e6:.0f}M",
        facts.quantization,
        str(facts.context),
        "yes" if facts.template else "no",
        facts.license,
        one.runs or "not prepared",
        one.sha256[:12],
    )
