"""`genair demo`: the whole pipeline on the embedded catalogue, each command shown before it runs."""

import filecmp
import re
import shlex
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from genair.errors import GenairError, UsageError
from genair.io.jsonl import Row
from genair.llm import BACKENDS
from genair_cli import options
from genair_cli.console import console
from genair_cli.status import Status
from genair_cli.streams import rows_in

MODELS = (
    ("ID", "id", "vectors.h5"),
    ("text", "text", "vectors.h5"),
    ("text, calibrated", "text", "calibrated.h5"),
    ("text + ID", "text+id", "vectors.h5"),
    ("text + ID, calibrated", "text+id", "calibrated.h5"),
)
SHOWN = (("hr", 10), ("ndcg", 10), ("mrr", 10))
LOG = "interactions.jsonl"
_MADE = re.compile(r"(items|interactions|archetypes|metrics-\d+)\.jsonl|(vectors|calibrated|model-\d+)\.h5")


def demo(
    context: typer.Context,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where the files go.")
    ] = Path("genair-demo"),
    backend: options.Backend = "llamacpp",
    force: options.Force = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
    no_color: options.NoColor = False,
) -> Status:
    """Run the whole pipeline on an embedded catalogue.

    It has 200 invented items and 900 simulated users. Each command is shown before it runs; a table of
    recommenders with and without text and calibration ends it. The files stay, to look at and to play with.
    """
    start = time.monotonic()
    BACKENDS.check(backend)
    if backend == "openai":
        raise UsageError("--backend openai has no hidden states, which the demo needs: take another")
    if str(output) == options.STDIN:
        raise UsageError("-o names a folder, and has no place on stdout")
    _prepare(output, force=force)
    runs = _Runs(output, _settings(context), _manner(quiet=quiet, verbose=verbose, no_color=no_color))
    runs("archetype", "items.jsonl", "-o", "archetypes.jsonl", "--backend", backend)
    runs("embed", "archetypes.jsonl", "-o", "vectors.h5", "--backend", backend)
    runs("calibrate", "vectors.h5", "-i", LOG, "-o", "calibrated.h5")
    for number, (_, items, vectors) in enumerate(MODELS, start=1):
        model = f"model-{number}.h5"
        runs("train", vectors, "-i", LOG, "--items", items, "-o", model)
        runs("eval", model, "-i", LOG, "--json", into=f"metrics-{number}.jsonl")
    _report(output)
    console.note(f"genair demo: {time.monotonic() - start:.0f} s; the files are in {output}")
    return Status.DONE


def _prepare(folder: Path, *, force: bool) -> None:
    """Make the folder and put the catalogue in it.

    Raises:
        GenairError: the folder exists and is not to be replaced, or holds what no demo made.
    """
    from genair.catalogue import interactions_path, items_path

    if folder.exists():
        if not force:
            raise GenairError(
                "exists already: use --force to replace it, or -o for another", where=str(folder)
            )
        if folder.resolve() == Path.cwd():
            raise GenairError("is where you are: name another folder", where=str(folder))
        for path in folder.iterdir() if folder.is_dir() else [folder]:
            begins = {"items.jsonl": items_path(), LOG: interactions_path()}.get(path.name)
            made = _MADE.fullmatch(path.name.removesuffix(".partial"))
            if not made or (begins is not None and not filecmp.cmp(path, begins, shallow=False)):
                raise GenairError("is not of a demo, and will not be removed: move it", where=str(path))
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    shutil.copyfile(items_path(), folder / "items.jsonl")
    shutil.copyfile(interactions_path(), folder / LOG)


@dataclass(frozen=True)
class _Runs:
    """Shows a command and runs it in the demo's folder, by the settings and in the manner of the demo itself.

    Attributes:
        folder: where it runs.
        settings: the program's own options, before the command's name.
        manner: how much it says, behind all else.
    """

    folder: Path
    settings: tuple[str, ...]
    manner: tuple[str, ...]

    def __call__(self, *words: str, into: str | None = None) -> None:
        """Run one, its stdout into a file of the folder, if one is named.

        Raises:
            GenairError: it failed; its own line on stderr says why.
        """
        said = (*self.settings, *words, *self.manner)
        redirect = f" > {into}" if into else ""
        console.note(f"$ genair {shlex.join(said)}{redirect}")
        with ExitStack() as stack:
            sink = stack.enter_context((self.folder / into).open("wb")) if into else None
            done = subprocess.run(
                [sys.executable, "-m", "genair_cli", *said], cwd=self.folder, stdout=sink, check=False
            )
        if done.returncode != 0:
            raise GenairError(f"genair {words[0]} ended with exit status {done.returncode}")


def _settings(context: typer.Context) -> tuple[str, ...]:
    named = context.find_root().params.get("config")
    return () if named is None else ("--config", str(named.absolute()))


def _manner(*, quiet: bool, verbose: int, no_color: bool) -> tuple[str, ...]:
    return (*["--quiet"] * quiet, *["--verbose"] * verbose, *["--no-color"] * no_color)


def _report(folder: Path) -> None:
    """Show what the models reached, one row each."""
    rows = []
    for number, (title, _, _) in enumerate(MODELS, start=1):
        with rows_in(str(folder / f"metrics-{number}.jsonl")) as source:
            rows_of_all = (row for _, row in source.rows if row["group"] == "all")
            found = {(row["metric"], row["k"]): row for row in rows_of_all}
        rows.append((f"SASRec, {title}", *(f"{_cell(found[key])}" for key in SHOWN)))
    headings = ("test events, full ranking", *(f"{metric.upper()}@{k}" for metric, k in SHOWN))
    console.table(headings, rows)


def _cell(row: Row) -> str:
    return f"{row['value']:.4f} ± {row['stderr']:.4f}"
