"""The entry point: one app, one command a stage."""

import sys
from collections.abc import Sequence
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer

from genair_cli.commands import (
    archetype,
    calibrate,
    check,
    demo,
    embed,
    evaluate,
    export,
    importing,
    info,
    models,
    recommend,
    train,
)
from genair_cli.console import console
from genair_cli.settings import apply_settings
from genair_cli.signals import take_signals
from genair_cli.standard import prepare_standard_streams
from genair_cli.status import Status, guarded

HELP = """Turn what an item is and whom it is for into vectors that recommenders learn from.

genair archetype items.jsonl | genair embed -o emb.h5; genair calibrate emb.h5 -i log.jsonl -o cal.h5;
genair train cal.h5 -i log.jsonl -o model.h5; genair eval model.h5 -i log.jsonl
"""

app = typer.Typer(
    name="genair",
    help=HELP,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.command("import")(importing.import_)
app.command("check")(check.check)
app.command("archetype")(archetype.archetype)
app.command("embed")(embed.embed)
app.command("calibrate")(calibrate.calibrate)
app.command("train")(train.train)
app.command("eval")(evaluate.evaluate)
app.command("recommend")(recommend.recommend)
app.command("export")(export.export)
app.command("info")(info.info)
app.command("models")(models.models)
app.command("demo")(demo.demo)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"genair {version('genair')}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", metavar="FILE", help="Defaults, TOML: a table a command.", show_default=False
        ),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Take the options of the program itself."""
    apply_settings(context, config)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    console.configure()
    pairs = pairwise(["", *arguments])
    command = next((word for last, word in pairs if not word.startswith("-") and last != "--config"), "")
    name = f"genair {command}".strip()
    words = arguments or ["--help"]
    status = guarded(lambda: app(args=words, prog_name="genair", standalone_mode=False), name)
    return status if arguments else Status.USAGE


def run() -> None:
    """Be the process: take signals, exit with the code."""
    prepare_standard_streams()
    take_signals()
    sys.exit(main())
