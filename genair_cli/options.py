"""Options that mean the same in every command, each defined once."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from genair.config import PRESETS, USER_NORMS
from genair.data import SCORES
from genair.device import DTYPES
from genair.errors import UsageError
from genair.llm import BACKENDS
from genair_cli.console import console

STDIN = "-"


class OnErrorChoice(StrEnum):
    """What to do with a record that cannot be used."""

    FAIL = "fail"
    SKIP = "skip"


def choice(meaning: str, names: Sequence[str], *, shown: bool = True) -> Any:  # noqa: ANN401
    """Return an option that takes a registered name: its help lists them and the shell completes them.

    The library refuses other names, with the same list; `Any` is what typer's options are. The default is
    told unless it is not `shown`.
    """
    return typer.Option(
        metavar="NAME",
        help=f"{meaning}: {', '.join(names)}.",
        autocompletion=lambda: list(names),
        show_default=shown,
    )


def with_preset(context: typer.Context, preset: str | None) -> Mapping[str, Any]:
    """Return the command's settings, with a preset's in the place of those that nobody gave.

    Raises:
        UsageError: there is no such preset.
    """
    if preset is None:
        return context.params
    if preset not in PRESETS:
        raise UsageError(f"unknown preset {preset!r}: choose from {', '.join(PRESETS)}")
    return with_defaults(context, PRESETS[preset])


def with_defaults(context: typer.Context, defaults: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the command's settings, with other defaults for those that nobody gave."""
    settings = dict(context.params)
    settings.update({name: value for name, value in defaults.items() if is_default(context, name)})
    return settings


def is_default(context: typer.Context, name: str) -> bool:
    """Return whether nobody gave a parameter, neither on the command line nor in a settings file."""
    source = context.get_parameter_source(name)
    return source is None or source.name == "DEFAULT"


def is_given(context: typer.Context, name: str) -> bool:
    """Return whether the command line itself says a parameter; a settings file's defaults do not count."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def refuse_given(context: typer.Context, flag: str, *names: str) -> None:
    """Refuse parameters that the file named by `flag` settles.

    Raises:
        UsageError: the command line says one of them.
    """
    refuse_idle(context, f"does not go with {flag}, whose file settles it", *names)


def refuse_idle(context: typer.Context, why: str, *names: str) -> None:
    """Refuse parameters that would change nothing here; `why` ends the sentence that begins with the option.

    Raises:
        UsageError: the command line says one of them.
    """
    for name in names:
        if is_given(context, name):
            raise UsageError(f"--{name.replace('_', '-')} {why}")


def beyond(context: typer.Context, most: Mapping[str, int]) -> Iterator[str]:
    """Yield what to say of sizes that the command line gives beyond what there is; more changes nothing.

    Args:
        context: of the command.
        most: how much there is, by the names of parameters.
    """
    for name, there_are in most.items():
        if is_given(context, name) and context.params[name] > there_are:
            yield f"warning: --{name.replace('_', '-')} {there_are}: there are no more here"


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
MaybeInteractions = Annotated[
    str | None,
    typer.Option(
        "--interactions",
        "-i",
        metavar="FILE",
        help="Click log, JSONL: user_id, item_id, timestamp.",
        show_default=False,
    ),
]
NewVectors = Annotated[
    str | None,
    typer.Option(
        "--vectors",
        metavar="EMB.h5",
        help="Rank this file's new items, too: vectors of all the model's items and more.",
        show_default=False,
    ),
]
UserBatch = Annotated[
    int | None,
    typer.Option(
        "--batch-size",
        min=1,
        metavar="N",
        help="Users scored together.  [default: what fits 16 MiB]",
        show_default=False,
    ),
]
KeepSeen = Annotated[
    bool,
    typer.Option("--keep-seen/--no-keep-seen", help="Items that the user had before may come next, too."),
]
Gamma = Annotated[float, typer.Option(metavar="G", help="How fast repulsion fades with association.")]
Window = Annotated[
    int, typer.Option(metavar="N", help="Together is at most N events apart; 0 is the whole history.")
]
MinCount = Annotated[int, typer.Option(metavar="N", help="Users who must share a pair.")]
UserNorm = Annotated[str, choice("What a user adds to a pair, 1 or 1/(items - 1)", USER_NORMS)]
Score = Annotated[str, choice("How a pair's association is scored", SCORES.names())]
MaxPairs = Annotated[
    int, typer.Option(metavar="N", help="Of more pairs, keep each item's N/items strongest, one at least.")
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Base of everything random.")]
Device = Annotated[str, typer.Option("--device", help="Where torch computes: auto, cpu, cuda, cuda:1, mps.")]
Dtype = Annotated[
    str,
    choice("How torch holds weights; auto is bf16 on CUDA, else fp32", ("auto", *DTYPES)),
]
Shard = Annotated[
    str | None,
    typer.Option(
        "--shard", metavar="I/N", help="Only the I-th of N parts, for job arrays.", show_default=False
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit", "-n", min=1, max=1 << 62, metavar="N", help="Only the first N records.", show_default=False
    ),
]
OnError = Annotated[
    OnErrorChoice,
    typer.Option("--on-error", help="Stop at a record that cannot be used, or skip it and exit 4."),
]
OnUnknown = Annotated[
    OnErrorChoice,
    typer.Option("--on-error", help="Stop at an event of an unknown item, or drop it and exit 4."),
]
Errors = Annotated[
    Path | None,
    typer.Option("--errors", metavar="FILE", help="Where skipped records go, as JSONL.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="JSON lines even on a terminal.")]
Model = Annotated[
    str,
    typer.Option(
        "--model", metavar="NAME|FILE", help="The language model: one of `genair models`, a file or a folder."
    ),
]
Backend = Annotated[str, choice("What runs the language model; echo is none, for tests", BACKENDS.names())]
BaseUrl = Annotated[
    str,
    typer.Option(
        "--base-url",
        metavar="URL",
        help="The server of --backend openai, e.g. http://127.0.0.1:8080/v1.",
        show_default=False,
    ),
]
KeyFile = Annotated[
    str,
    typer.Option(
        "--api-key-file",
        metavar="FILE",
        help="The key to the server.  [default: $OPENAI_API_KEY, if it is set]",
        show_default=False,
    ),
]
Download = Annotated[
    bool,
    typer.Option("--download", help="Fetch a Hugging Face id that is not in the cache; else nothing is."),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with the work that was interrupted, if there is any.")
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=0,
        metavar="N",
        help="Worker processes; 0 works in this one.  [default: usable cores; 0 for torch or a server]",
        show_default=False,
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


def parse_shard(text: str | None) -> tuple[int, int]:
    """Return (i, n) of `i/n`; all of it is (1, 1).

    Raises:
        UsageError: it is something else.
    """
    if text is None:
        return 1, 1
    index, _, count = text.partition("/")
    short = max(len(index), len(count)) < 19
    if short and index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count):
        return int(index), int(count)
    raise UsageError(f"--shard must be I/N with I from 1 to N, not {text!r}")
