"""Options that mean the same in every command, each defined once."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from genair.llm import BACKENDS
from genair_cli.console import console

STDIN = "-"


class OnErrorChoice(StrEnum):
    """What to do with a record that cannot be used."""

    FAIL = "fail"
    SKIP = "skip"


def choice(flag: str, meaning: str, names: Sequence[str]) -> Any:  # noqa: ANN401
    """Return an option that takes a registered name: its help lists them and the shell completes them.

    The library refuses other names, with the same list; `Any` is what typer's options are.
    """
    return typer.Option(
        flag, metavar="NAME", help=f"{meaning}: {', '.join(names)}.", autocompletion=lambda: list(names)
    )


Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write here instead of stdout.", show_default=False),
]
Force = Annotated[bool, typer.Option("--force", "-f", help="Replace an output that exists.")]
Interactions = Annotated[
    str,
    typer.Option(
        "--interactions", "-i", metavar="FILE", help="Click log, JSONL: user_id, item_id, timestamp."
    ),
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Base of everything random.")]
Device = Annotated[str, typer.Option("--device", help="Where torch computes: auto, cpu, cuda, cuda:1, mps.")]
Limit = Annotated[
    int | None,
    typer.Option("--limit", "-n", min=1, metavar="N", help="Only the first N records.", show_default=False),
]
OnError = Annotated[
    OnErrorChoice,
    typer.Option("--on-error", help="Stop at a record that cannot be used, or skip it and exit 4."),
]
Errors = Annotated[
    Path | None,
    typer.Option("--errors", metavar="FILE", help="Where skipped records go, as JSONL.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="JSON lines even on a terminal.")]
Model = Annotated[
    str, typer.Option("--model", metavar="NAME|FILE", help="The language model: a name or a GGUF file.")
]
Backend = Annotated[
    str, choice("--backend", "What runs the language model; echo is none, for tests", BACKENDS.names())
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers", min=1, metavar="N", help="Worker processes.  [default: usable cores]", show_default=False
    ),
]
Parallel = Annotated[
    int,
    typer.Option("--parallel", min=1, max=255, metavar="N", help="Sequences decoded together in a worker."),
]
Wave = Annotated[int, typer.Option("--wave", metavar="N", help="Consecutive items computed together.")]


def _quiet(value: bool) -> bool:
    console.quiet = value
    return value


def _verbose(value: int) -> int:
    console.verbosity = value
    return value


def _no_color(value: bool) -> bool:
    console.color = console.color and not value
    return value


Quiet = Annotated[bool, typer.Option("--quiet", "-q", callback=_quiet, help="Only errors on stderr.")]
Verbose = Annotated[
    int,
    typer.Option("--verbose", "-v", count=True, callback=_verbose, help="Say more; twice for tracebacks."),
]
NoColor = Annotated[bool, typer.Option("--no-color", callback=_no_color, help="No colours on the terminal.")]
