"""`genair recommend`: the best items for histories that come from a file, a pipe or a click log."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genair.config import RecommendConfig
from genair.errors import UsageError, located
from genair.io.jsonl import encode_line
from genair_cli import options
from genair_cli.console import console
from genair_cli.operands import check_operands
from genair_cli.skips import Skips
from genair_cli.status import Status
from genair_cli.streams import Outlet, lines_out, rows_in
from genair_cli.together import check_targets

if TYPE_CHECKING:
    from genair.data.ids import IdMap
    from genair.data.sequences import Sequences
    from genair.recommend.histories import HistoryReader
    from genair.recommend.stage import Recommended

NAME = "genair recommend"
DEFAULT = RecommendConfig()


def recommend(
    context: typer.Context,
    model: Annotated[str, typer.Argument(metavar="MODEL.h5", show_default=False)],
    histories: Annotated[str | None, typer.Argument(metavar="HISTORIES.jsonl", show_default=False)] = None,
    output: options.Output = None,
    interactions: options.MaybeInteractions = None,
    user: Annotated[
        list[str] | None,
        typer.Option("--user", metavar="ID", help="Only this user of the log; may be repeated."),
    ] = None,
    k: Annotated[int, typer.Option("-k", metavar="N", help="Most items a user gets.")] = DEFAULT.k,
    keep_seen: Annotated[
        bool | None,
        typer.Option(
            "--keep-seen/--no-keep-seen",
            help="Items that the user had before may come, too.  [default: as the model was trained]",
            show_default=False,
        ),
    ] = None,
    join: Annotated[
        str | None,
        typer.Option(
            "--join", metavar="ITEMS.jsonl", help="Show --fields of this catalogue.", show_default=False
        ),
    ] = None,
    fields: Annotated[
        str, typer.Option(help="Attributes to show, comma-separated; needs --join.", show_default=False)
    ] = "",
    vectors: options.NewVectors = None,
    batch_size: options.UserBatch = None,
    device: options.Device = "auto",
    on_error: options.OnError = options.OnErrorChoice.FAIL,
    errors: options.Errors = None,
    force: options.Force = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
    no_color: options.NoColor = False,
) -> Status:
    """Recommend items to the users of a file, a pipe or a click log.

    Reads a line a user, user_id and item_ids (oldest first), and answers each line as it comes: user_id and
    items, the best first, each with item_id and score. Items that the user had are left out. Items of a
    history that the model does not know count for nothing, and are named on stderr at the end.
    """
    RecommendConfig(k)
    wanted = tuple(one.strip() for one in fields.split(",") if one.strip())
    _check(context, histories, interactions, join, wanted)
    if errors is not None and on_error is options.OnErrorChoice.FAIL:
        raise UsageError("--errors needs --on-error skip")
    source = histories if interactions is None else interactions
    others = [one for one in (vectors, join) if one is not None]
    check_operands(model, source, *others, outputs=(output, errors))
    check_targets((output or Path(options.STDIN), errors), force=force)
    aside = nullcontext() if errors is None else lines_out(errors, force=force, aside=True)
    with lines_out(output, force=force) as outlet, aside as bad:
        from genair.data.ids import IdMap
        from genair.device import resolve_device
        from genair.models.base import restore_recommender
        from genair.recommend import stage
        from genair.recommend.histories import HistoryReader
        from genair_cli.trained import read_trained

        chosen = resolve_device(device, float64=True)
        trained = read_trained(model, vectors, NAME)
        ids, skips = IdMap(trained.item_ids), Skips(on_error, bad)
        described = None if join is None else _describe(join, ids, wanted, skips)
        seen = bool(trained.config.get("keep_seen")) if keep_seen is None else keep_seen
        config = RecommendConfig(k, seen)
        with located(model):
            scorer = restore_recommender(trained.config, trained.weights, len(ids)).to(chosen).scorer()
        reader = HistoryReader(ids, skips)
        blocks = _blocks(reader, source, users=user or (), is_log=interactions is not None)
        served = stage.recommend(scorer, blocks, int(trained.config["max_length"]), config, batch_size)
        users = _write(outlet, served, ids.item_ids, described)
    if reader.unknown.events:
        console.note(f"{NAME}: warning: {reader.unknown.words()}")
    console.note(f"{NAME}: {users} users, {skips.count} skipped")
    return skips.status


def _check(
    context: typer.Context,
    histories: str | None,
    interactions: str | None,
    join: str | None,
    wanted: Sequence[str],
) -> None:
    """Refuse options that contradict or need each other.

    Raises:
        UsageError: they do.
    """
    if interactions is None:
        options.refuse_idle(context, "needs --interactions", "user")
    elif histories is not None:
        raise UsageError("HISTORIES.jsonl and --interactions are both histories: name one of them")
    if (join is None) == bool(wanted):
        raise UsageError("--join and --fields need each other")


def _write(
    outlet: Outlet,
    served: "Iterable[Recommended]",
    item_ids: Sequence[str],
    described: Sequence[Mapping[str, Any]] | None,
) -> int:
    """Write blocks as they come, and return how many users they had."""
    users = 0
    with console.counting("users") as tick:
        for block in served:
            outlet.write(b"".join(map(encode_line, block.to_rows(item_ids, described))))
            outlet.flush()
            users += len(block.user_ids)
            tick("", len(block.user_ids))
    return users


def _describe(join: str, ids: "IdMap", wanted: Sequence[str], skips: Skips) -> list[dict[str, Any]]:
    from genair.recommend.fields import read_fields

    with rows_in(join) as source:
        return read_fields(source.records, ids, wanted, source.name, skips)


def _blocks(
    reader: "HistoryReader", operand: str | None, *, users: Sequence[str], is_log: bool
) -> "Iterator[Sequences]":
    from genair.data.interactions import read_interactions

    with rows_in(operand) as source:
        if is_log:
            log = read_interactions(source.blocks, source.name)
            yield from reader.from_log(log, users, source.name)
        else:
            yield from reader.from_lines(source.groups)
