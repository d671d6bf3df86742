"""`genair import`: from publishers' dumps and tables to the two files that every stage reads."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from genair.config.importing import (
    CORES,
    DUPLICATES,
    NO_TEXT,
    REPEATS,
    TIME_FORMATS,
    FilterConfig,
    TableConfig,
)
from genair.data.importers import IMPORTERS
from genair.data.importers.recipes import RECIPES, Comparison, Recipe, load_recipe
from genair.errors import UsageError
from genair.io.jsonl import encode_line
from genair.provenance import versions_of
from genair_cli import options
from genair_cli.console import console
from genair_cli.dumps import dump_in
from genair_cli.operands import check_operands
from genair_cli.skips import Skips
from genair_cli.status import Status
from genair_cli.streams import Outlet
from genair_cli.together import outputs_together

if TYPE_CHECKING:
    from genair.data.importers.report import Report

NAME = "genair import"
FILTERS = FilterConfig()
TABLE = TableConfig()
_OF_TABLES = ("user", "item", "time", "rating", "key", "time_format", "columns", "separator", "encoding")


def import_(
    context: typer.Context,
    form: Annotated[
        str,
        typer.Argument(
            metavar="FORMAT",
            help=f"{', '.join(IMPORTERS.names())}.",
            autocompletion=lambda: list(IMPORTERS.names()),
        ),
    ],
    log: Annotated[str | None, typer.Argument(metavar="LOG", help="Events.", show_default=False)] = None,
    table: Annotated[
        str | None, typer.Argument(metavar="ITEMS", help="What the items are.", show_default=False)
    ] = None,
    items: Annotated[
        Path | None, typer.Option("--items", metavar="FILE", help="Write the items here.", show_default=False)
    ] = None,
    interactions: Annotated[
        Path | None,
        typer.Option("--interactions", metavar="FILE", help="Write the click log here.", show_default=False),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write all figures here, as JSON.", show_default=False),
    ] = None,
    recipe: Annotated[
        str | None,
        options.choice("Defaults that make a published data set", RECIPES.names(), shown=False),
    ] = None,
    min_rating: Annotated[
        float | None, typer.Option(metavar="R", help="Lowest rating to keep.", show_default=False)
    ] = FILTERS.min_rating,
    since: Annotated[
        str, typer.Option(metavar="TIME", help="First moment to keep, e.g. 2015-01-31.", show_default=False)
    ] = FILTERS.since,
    until: Annotated[
        str, typer.Option(metavar="TIME", help="First moment to drop again.", show_default=False)
    ] = FILTERS.until,
    duplicates: Annotated[
        str,
        options.choice("Events equal in user, item, time and rating", DUPLICATES),
    ] = FILTERS.duplicates,
    repeats: Annotated[
        str,
        options.choice("Which of a user's events with one item to keep; keep is all", REPEATS),
    ] = FILTERS.repeats,
    min_user: Annotated[int, typer.Option(metavar="N", help="Events a user must have.")] = FILTERS.min_user,
    min_item: Annotated[int, typer.Option(metavar="N", help="Events an item must have.")] = FILTERS.min_item,
    core: Annotated[
        str, options.choice("Drop until all have enough, or count only once", CORES)
    ] = FILTERS.core,
    no_text: Annotated[str, options.choice("Items without text", NO_TEXT)] = FILTERS.no_text,
    min_length: Annotated[
        int, typer.Option(metavar="N", help="Events a user must have left in the end.")
    ] = FILTERS.min_length,
    user: Annotated[str, typer.Option(metavar="COLUMN", help="The user's id.")] = TABLE.user,
    item: Annotated[str, typer.Option(metavar="COLUMN", help="The item's id.")] = TABLE.item,
    time: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="The time; '' is none.  [default: timestamp, if it is there]",
            show_default=False,
        ),
    ] = TABLE.time,
    rating: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="The rating; '' is none.  [default: rating, if it is there]",
            show_default=False,
        ),
    ] = TABLE.rating,
    key: Annotated[
        str,
        typer.Option(
            metavar="COLUMN", help="The item's id in ITEMS.  [default: as --item]", show_default=False
        ),
    ] = TABLE.key,
    time_format: Annotated[
        str,
        options.choice("How times are written, or a pattern like %d/%m/%Y", TIME_FORMATS),
    ] = TABLE.time_format,
    columns: Annotated[
        str,
        typer.Option(
            metavar="NAMES", help="Columns of a LOG without a header, comma-separated.", show_default=False
        ),
    ] = ",".join(TABLE.columns),
    separator: Annotated[
        str,
        typer.Option(
            metavar="CHARACTER", help="Between columns of text.  [default: as the header]", show_default=False
        ),
    ] = TABLE.separator,
    encoding: Annotated[str, typer.Option(metavar="NAME", help="Of text.")] = TABLE.encoding,
    on_error: options.OnError = options.OnErrorChoice.FAIL,
    errors: options.Errors = None,
    force: options.Force = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
    no_color: options.NoColor = False,
) -> Status:
    """Make items and a click log of a publisher's dump, or of tables of your own.

    The steps, in this order: rating, dates, duplicates, repeats, core, items without text, length. What each
    took is said on stderr. Files may be gzip or Zstandard. The options from --user to --encoding are for
    tables: CSV, TSV, Parquet or JSON lines.
    """
    IMPORTERS.check(form)
    if items is None or interactions is None:
        raise UsageError("--items and --interactions name the files to write")
    if errors is not None and on_error is options.OnErrorChoice.FAIL:
        raise UsageError("--errors needs --on-error skip")
    if form != "table":
        options.refuse_idle(context, f"is for tables, and {form} says it itself", *_OF_TABLES)
    check_operands(log, table or "", outputs=(items, interactions, report, errors))
    known = None if recipe is None else load_recipe(recipe)
    given = options.with_defaults(context, {} if known is None else known.settings(form))
    filters = FilterConfig(**{one.name: given[one.name] for one in fields(FilterConfig)})
    if max(filters.min_user, filters.min_item) == 1:
        options.refuse_idle(context, "needs --min-user or --min-item", "core")
    if table is None:
        options.refuse_idle(context, "needs ITEMS, whose column it names", "key")
    named = tuple(name.strip() for name in columns.split(",") if name.strip())
    settings = TableConfig(user, item, time, rating, key, time_format, named, separator, encoding)
    run = _Run(form, settings, filters, known)
    with outputs_together((interactions, items, report, errors), force=force) as outlets:
        skips = Skips(on_error, outlets[3])
        run.make(log, table, outlets, skips)
    return skips.status


@dataclass(frozen=True)
class _Run:
    """One call: what is read how, and what is kept."""

    form: str
    table: TableConfig
    filters: FilterConfig
    recipe: Recipe | None

    def make(
        self, log: str | None, table: str | None, outlets: Sequence[Outlet | None], skips: Skips
    ) -> None:
        """Do the work."""
        from genair.data.importers.stage import import_dumps

        interactions, items, report, _ = outlets
        with ExitStack() as stack, console.counting("events") as tick:
            inputs = [stack.enter_context(dump_in(log))]
            inputs += [stack.enter_context(dump_in(table))] if table is not None else []
            made = import_dumps(
                IMPORTERS.get(self.form)(self.table),
                inputs[0],
                inputs[1] if table is not None else None,
                self.filters,
                cast(Outlet, items).write,
                cast(Outlet, interactions).write,
                skips,
                lambda count: tick("", count),
            )
        compared = None if self.recipe is None else self.recipe.compare(made.summary)
        if report is not None:
            report.write(encode_line(self._row(made, compared, skips.count, [one.sha256 for one in inputs])))
        _tell(made, compared, skips.count)

    def _row(
        self, made: "Report", compared: Comparison | None, skipped: int, digests: Sequence[str]
    ) -> dict[str, Any]:
        """Return the report: what was read how, and what came of it."""
        return {
            "versions": versions_of(["polars"]),
            "format": self.form,
            "inputs_sha256": digests,
            "table": asdict(self.table) if self.form == "table" else None,
            "filters": asdict(self.filters),
            "skipped": skipped,
            "recipe": None if compared is None else asdict(compared),
            **made.to_row(),
        }


def _tell(made: "Report", compared: Comparison | None, skipped: int) -> None:
    for line in made.lines():
        console.note(f"{NAME}: {line}")
    if compared is not None:
        console.note(f"{NAME}: {compared.words()}")
    for warning in made.warnings():
        console.note(f"{NAME}: warning: {warning}")
    if skipped:
        console.note(f"{NAME}: {skipped} skipped")
