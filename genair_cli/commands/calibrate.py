"""`genair calibrate`: bends item vectors until they agree with behaviour."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genair.calibrate import OBJECTIVES
from genair.config import (
    ADAPTERS,
    SPECTRAL,
    STOP_ON,
    CalibrateConfig,
    DescentConfig,
    GraphConfig,
    SpectralConfig,
)
from genair.data import SCORES, SPLITS
from genair.errors import UsageError
from genair_cli import options
from genair_cli.console import console
from genair_cli.operands import check_operands
from genair_cli.status import Status
from genair_cli.streams import container_in, container_out

if TYPE_CHECKING:
    from genair.calibrate.stage import Calibrated

DEFAULT = CalibrateConfig()
_OBJECTIVES = (SPECTRAL, *OBJECTIVES.names())
_OF_THE_GRAPH = ("window", "min_count", "user_norm", "score", "max_pairs")
_OF_THE_SOLUTION = ("features", "tau", "ridge", "power")
_OF_DESCENT = ("adapter", "hold", "steps", "learning_rate", "batch_items", "stop_on", "patience")


def calibrate(
    context: typer.Context,
    embeddings: Annotated[str | None, typer.Argument(metavar="EMB.h5", show_default=False)] = None,
    interactions: options.MaybeInteractions = None,
    output: options.Output = None,
    apply: Annotated[
        str | None,
        typer.Option(
            "--apply",
            metavar="CAL.h5",
            help="Map EMB.h5's items by this calibration, and put them behind its own.",
            show_default=False,
        ),
    ] = None,
    objective: Annotated[
        str, options.choice("Solved in closed form, or minimised by descent", _OBJECTIVES)
    ] = DEFAULT.objective,
    dim: Annotated[
        int, typer.Option(metavar="N", help="Size of the calibrated vectors, at most.")
    ] = DEFAULT.dim,
    gamma: options.Gamma = DEFAULT.gamma,
    split: Annotated[
        str, options.choice("Whose training events are learned from", SPLITS.names())
    ] = DEFAULT.split,
    holdout: Annotated[
        float, typer.Option(metavar="SHARE", help="Associated pairs kept out for measuring.")
    ] = DEFAULT.holdout,
    window: options.Window = DEFAULT.graph.window,
    min_count: options.MinCount = DEFAULT.graph.min_count,
    user_norm: options.UserNorm = DEFAULT.graph.user_norm,
    score: options.Score = DEFAULT.graph.score,
    max_pairs: options.MaxPairs = DEFAULT.graph.max_pairs,
    features: Annotated[
        int, typer.Option(metavar="N", help="Random features of the spectral solution, at most the items.")
    ] = DEFAULT.spectral.features,
    tau: Annotated[
        float,
        typer.Option(metavar="T", help="The higher, the less pairs of rare items count; 0 favours the tail."),
    ] = DEFAULT.spectral.tau,
    ridge: Annotated[
        float, typer.Option(metavar="R", help="What weight costs the spectral solution.")
    ] = DEFAULT.spectral.ridge,
    power: Annotated[
        float, typer.Option(metavar="P", help="How much its better directions count for more.")
    ] = DEFAULT.spectral.power,
    adapter: Annotated[
        str, options.choice("What descent fits; residual starts at the spectral one", ADAPTERS)
    ] = DEFAULT.descent.adapter,
    hold: Annotated[
        float, typer.Option(metavar="P", help="Penalty on leaving that start.")
    ] = DEFAULT.descent.hold,
    steps: Annotated[int, typer.Option(metavar="N", help="Most steps of descent.")] = DEFAULT.descent.steps,
    learning_rate: Annotated[
        float, typer.Option(metavar="R", help="Of Adam.")
    ] = DEFAULT.descent.learning_rate,
    batch_items: Annotated[
        int, typer.Option(metavar="N", help="Items drawn for a step; 0 is the whole catalogue.")
    ] = DEFAULT.descent.batch_items,
    stop_on: Annotated[str, options.choice("What early stopping watches", STOP_ON)] = DEFAULT.descent.stop_on,
    patience: Annotated[
        int, typer.Option(metavar="N", help="Stop after so many steps without gain.")
    ] = DEFAULT.descent.patience,
    allow_collapse: Annotated[
        bool,
        typer.Option(
            "--allow-collapse",
            help="Write a space of less than a third of the effective rank it could have, too.",
        ),
    ] = False,
    seed: options.Seed = DEFAULT.seed,
    on_error: options.OnUnknown = options.OnErrorChoice.FAIL,
    force: options.Force = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
    no_color: options.NoColor = False,
) -> Status:
    """Bend item vectors until they agree with behaviour.

    Learns from what users consume together in training events: each user's last two are left out, or with
    --split time the last fifth of the log. Says on stderr how far the space agreed with held-out pairs before
    and after.
    """
    check_operands(embeddings, apply or interactions or "", outputs=[output])
    if apply is not None:
        settled = ("objective", "dim", "gamma", "split", "holdout", "seed", "allow_collapse")
        of_the_log = ("interactions", "on_error")
        every = (*of_the_log, *settled, *_OF_THE_GRAPH, *_OF_THE_SOLUTION, *_OF_DESCENT)
        options.refuse_given(context, "--apply", *every)
        return _apply(embeddings, apply, context.params)
    if interactions is None:
        raise UsageError(
            "--interactions names the click log to learn from, or --apply a finished calibration"
        )
    config = _config(context)
    with container_out(output, force=force) as path, container_in(embeddings) as (source, name):
        from genair.calibrate.stage import calibrate_table
        from genair.io.embeddings import read_table, write_table
        from genair_cli.logs import read_log

        table = read_table(source, name)
        log = read_log(interactions, table.item_ids, on_error, embeddings)
        with console.counting("steps", None if config.solved else config.descent.steps) as tick:
            made = calibrate_table(
                table,
                log.sequences,
                config,
                log.sha256,
                lambda loss: tick(f"loss {loss:.4f}"),
            )
        _tell(made, len(table.item_ids), max_pairs)
        for words in options.beyond(context, made.result.most()):
            console.note(f"genair calibrate: {words}")
        if not quiet:
            console.table(("", "before", "after"), made.comparison(), stderr=True)
        if not allow_collapse:
            made.require_rank()
        write_table(path, made.table)
    return log.status


def _config(context: typer.Context) -> CalibrateConfig:
    """Return the settings.

    Raises:
        UsageError: one is unknown, out of its range, or would change nothing.
    """
    given = context.params
    objective, adapter = given["objective"], given["adapter"]
    if objective not in (SPECTRAL, *OBJECTIVES.names()):
        raise UsageError(
            f"unknown objective {objective!r}: choose from {', '.join((SPECTRAL, *OBJECTIVES.names()))}"
        )
    SCORES.check(given["score"])
    SPLITS.check(given["split"])
    if objective == SPECTRAL:
        options.refuse_idle(
            context, f"does not go with --objective {SPECTRAL}, which descends nothing", *_OF_DESCENT
        )
    elif adapter != "residual":
        options.refuse_idle(
            context, f"does not go with --adapter {adapter}, which is not solved for", *_OF_THE_SOLUTION
        )
    if objective != SPECTRAL and given["stop_on"] == "none":
        options.refuse_idle(context, "does not go with --stop-on none, which takes all steps", "patience")
    return CalibrateConfig(
        objective,
        given["dim"],
        given["gamma"],
        given["split"],
        given["holdout"],
        given["seed"],
        GraphConfig(**_part(given, _OF_THE_GRAPH)),
        SpectralConfig(**_part(given, _OF_THE_SOLUTION)),
        DescentConfig(**_part(given, _OF_DESCENT)),
    )


def _part(given: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: given[name] for name in names}


def _tell(made: "Calibrated", items: int, max_pairs: int) -> None:
    result = made.result
    pairs = f"{len(result.graph)} pairs, {len(result.held)} held out"
    console.note(f"genair calibrate: {items} vectors of {result.vectors.shape[1]} numbers, {pairs}")
    if result.stop is not None:
        console.note(f"genair calibrate: best at step {result.stop.best} of {result.stop.steps}")
        if result.stop.best == 0 and result.adapter.kind == "mlp":
            console.note("genair calibrate: warning: no step was better than the untrained adapter")
    if result.dropped:
        console.note(f"genair calibrate: {result.dropped} weaker pairs dropped (--max-pairs {max_pairs})")


def _apply(embeddings: str | None, calibrated: str, given: Mapping[str, Any]) -> Status:
    """Map new items by a finished calibration, and write them behind its own."""
    with (
        container_out(given["output"], force=given["force"]) as path,
        container_in(calibrated) as (old_path, old_name),
        container_in(embeddings) as (new_path, new_name),
    ):
        from genair.calibrate.apply import apply_table
        from genair.io.embeddings import read_table, write_table

        old = read_table(old_path, old_name, ("adapter", "association", "diagnostics"))
        new = read_table(new_path, new_name)
        merged = apply_table(old, new, name=old_name, new_name=new_name)
        write_table(path, merged)
    console.note(f"genair calibrate: {len(new.item_ids)} new items behind {len(old.item_ids)}")
    return Status.DONE
