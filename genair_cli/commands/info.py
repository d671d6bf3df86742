"""`genair info`: what a file is, and who made it step by step."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from genair.errors import UsageError
from genair.io.special import is_special
from genair_cli import options, viewing
from genair_cli.console import console
from genair_cli.options import STDIN
from genair_cli.status import Status
from genair_cli.streams import check_readable, rows_in


def info(
    file: Annotated[str, typer.Argument(metavar="FILE", show_default=False)],
    check: Annotated[
        bool, typer.Option("--check", help="Read all of it and verify checksums, ids and numbers.")
    ] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
    no_color: options.NoColor = False,
) -> Status:
    """Say what a file is and who made it.

    Takes a file of any stage; its vectors are not loaded.
    """
    if file != STDIN:
        check_readable(Path(file))
    if file == STDIN or is_special(Path(file)):
        raise UsageError(f"{file} can be read only once, and is read twice: write it to a file")
    found = _describe(file, check=check)
    if viewing.wants_json(json):
        viewing.write_rows([found])
    else:
        _show(found)
    return Status.DONE


def _describe(file: str, *, check: bool) -> dict[str, Any]:
    from genair.io.inspect import LineSummary, describe_container, is_container
    from genair.io.linecheck import LineCheck

    if is_container(Path(file)):
        return describe_container(Path(file), file, check=check)
    summary, checked = LineSummary(), LineCheck()
    with rows_in(file) as source:
        for where, row in source.rows:
            summary.add(row)
            if check:
                checked.add(row, where)
    return {**summary.result(file), **({"check": "ok"} if check else {})}


def _show(found: dict[str, Any]) -> None:
    plain = [(key, str(value)) for key, value in found.items() if not isinstance(value, (dict, list))]
    console.table(("", ""), plain, left=2)
    for part in ("datasets", "fields", "association"):
        if found.get(part):
            console.table((part, ""), [(key, str(value)) for key, value in found[part].items()], left=2)
    if diagnostics := found.get("diagnostics"):
        moments = list(diagnostics)[::-1]  # before, after
        measures = diagnostics[moments[0]]
        rows = [(name, *(_figure(diagnostics[moment][name]) for moment in moments)) for name in measures]
        console.table((f"diagnostics of {found.get('diagnostics_of', 'an unknown step')}", *moments), rows)
    for step in found["steps"]:
        title = str(step.pop("id", "a step without an id"))
        console.table((title, ""), sorted(_flat(step, "")), left=2)


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _flat(value: object, name: str) -> Iterator[tuple[str, str]]:
    """Yield (dotted name, text) of everything in nested objects."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _flat(part, f"{name}.{key}" if name else key)
    else:
        yield name, str(value)
