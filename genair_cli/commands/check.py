"""`genair check`: everything that later stages would refuse or regret, all at once."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genair_cli import options, viewing
from genair_cli.console import console
from genair_cli.operands import check_operands
from genair_cli.status import Status
from genair_cli.streams import check_readable, container_in, rows_in

if TYPE_CHECKING:
    from genair.check.findings import Finding, Verdict

_HEADINGS = ("level", "code", "count", "where", "message")


def check(
    items: Annotated[str, typer.Argument(metavar="ITEMS.jsonl", show_default=False)],
    interactions: Annotated[str, typer.Argument(metavar="INTERACTIONS.jsonl", show_default=False)],
    files: Annotated[list[str] | None, typer.Argument(metavar="FILE.h5", show_default=False)] = None,
    places: Annotated[
        int, typer.Option(min=1, metavar="N", help="Places of a kind that are named; all are counted.")
    ] = 5,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 3 for warnings, too.")] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
    no_color: options.NoColor = False,
) -> Status:
    """Find everything that later stages would refuse or regret.

    Reads items and a click log and, if they are given, vectors and models made of them. Errors are what a
    stage refuses at its defaults; warnings make vectors or figures worse; notes are good to know. A line a
    kind, with its first places. Exits 3 if there are errors.
    """
    named = [items, interactions, *(files or [])]
    check_operands(*named)
    for operand in named:
        if operand != options.STDIN:
            check_readable(Path(operand))
    from genair.check.findings import Verdict

    verdict = Verdict()
    with ExitStack() as stack:
        _show(verdict.watch(_findings(stack, items, interactions, files or [], places)), json=json)
    console.note(f"genair check: {_words(verdict)}")
    return Status.DONE if verdict.is_good(strict=strict) else Status.BAD_INPUT


def _findings(
    stack: ExitStack, items: str, interactions: str, files: Sequence[str], places: int
) -> "Iterator[Finding]":
    """Yield what is found, file by file; HDF5 stays open as long as `stack`."""
    from genair.check import stage
    from genair.check.catalogue import Catalogue
    from genair.check.log import Log

    with rows_in(items) as source, console.counting("items") as tick:
        catalogue = Catalogue(source.reader, source.name, places, partial(tick, ""))
    yield from stage.of_items(catalogue)
    with rows_in(interactions) as source, console.counting("events") as tick:
        log = Log(source.reader, source.name, catalogue, places, partial(tick, ""))
    yield from stage.of_log(log)
    opened = [stack.enter_context(container_in(operand)) for operand in files]
    yield from stage.of_files(opened, log, places)


def _show(findings: "Iterator[Finding]", *, json: bool) -> None:
    if viewing.wants_json(json):
        viewing.write_rows(finding.to_row() for finding in findings)
        return
    rows = [row for finding in findings for row in _cells(finding)]
    if rows:
        console.table(_HEADINGS, rows, left=len(_HEADINGS))


def _cells(finding: "Finding") -> Iterator[Sequence[str]]:
    """Yield a row a place, of which only the first says what kind it is."""
    title = (finding.level.value, finding.code, str(finding.places.count))
    for place in finding.places.first:
        yield (*title, place.where, place.message)
        title = ("", "", "")


def _words(verdict: "Verdict") -> str:
    return ", ".join(f"{count} {level.value}{'s' * (count != 1)}" for level, count in verdict.counts.items())
