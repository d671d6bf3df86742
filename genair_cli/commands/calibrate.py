"""`genair calibrate`: bends item vectors until they agree with behaviour."""

from typing import Annotated

import typer

from genair.calibrate import OBJECTIVES
from genair.config import USER_NORMS, CalibrateConfig, GraphConfig
from genair.data import SCORES
from genair_cli import options
from genair_cli.console import console
from genair_cli.status import Status
from genair_cli.streams import check_operands, container_in, container_out

DEFAULT = CalibrateConfig()


def calibrate(
    interactions: options.Interactions,
    embeddings: Annotated[str | None, typer.Argument(metavar="EMB.h5", show_default=False)] = None,
    output: options.Output = None,
    objective: Annotated[
        str, options.choice("--objective", "What is minimised", OBJECTIVES.names())
    ] = DEFAULT.objective,
    dim: Annotated[int, typer.Option(metavar="N", help="Size of the calibrated vectors.")] = DEFAULT.dim,
    gamma: Annotated[
        float, typer.Option(metavar="G", help="How fast repulsion fades with association.")
    ] = DEFAULT.gamma,
    holdout: Annotated[
        float, typer.Option(metavar="SHARE", help="Associated pairs kept out for measuring.")
    ] = DEFAULT.holdout,
    steps: Annotated[
        int, typer.Option(metavar="N", help="Optimisation steps, each over the whole catalogue.")
    ] = DEFAULT.steps,
    learning_rate: Annotated[float, typer.Option(metavar="R", help="Of Adam.")] = DEFAULT.learning_rate,
    window: Annotated[
        int, typer.Option(metavar="N", help="Together is at most N events apart; 0 is the whole history.")
    ] = DEFAULT.graph.window,
    min_count: Annotated[
        int, typer.Option(metavar="N", help="Users who must share a pair.")
    ] = DEFAULT.graph.min_count,
    user_norm: Annotated[
        str,
        options.choice("--user-norm", "What a user adds to a pair, 1 or 1/(items - 1)", USER_NORMS),
    ] = DEFAULT.graph.user_norm,
    score: Annotated[
        str, options.choice("--score", "How a pair's association is scored", SCORES.names())
    ] = DEFAULT.graph.score,
    max_pairs: Annotated[
        int, typer.Option(metavar="N", help="Of more pairs, keep each item's N/items strongest.")
    ] = DEFAULT.graph.max_pairs,
    seed: options.Seed = DEFAULT.seed,
    on_error: options.OnError = options.OnErrorChoice.FAIL,
    force: options.Force = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
    no_color: options.NoColor = False,
) -> Status:
    """Bend item vectors until they agree with behaviour.

    Learns from what users consume together in training events; each user's last two are left out. Says on
    stderr how far the space agreed with held-out pairs before and after.
    """
    check_operands(embeddings, interactions)
    OBJECTIVES.check(objective)
    SCORES.check(score)
    graph = GraphConfig(window, min_count, user_norm, score, max_pairs)
    config = CalibrateConfig(objective, dim, gamma, holdout, steps, learning_rate, seed, graph)
    with container_out(output, force=force) as path, container_in(embeddings) as (source, name):
        from genair.calibrate.stage import calibrate_table
        from genair.io.embeddings import read_table, write_table
        from genair_cli.logs import read_log

        table = read_table(source, name)
        log = read_log(interactions, table.item_ids, on_error)
        with console.counting("steps", config.steps) as tick:
            made = calibrate_table(
                table, log.sequences, config, log.sha256, lambda loss: tick(f"loss {loss:.4f}")
            )
        write_table(path, made.table)
    pairs = f"{len(made.result.graph)} pairs, {len(made.result.held)} held out"
    console.note(f"genair calibrate: {len(table.item_ids)} vectors, {pairs}")
    if dropped := made.result.dropped:
        console.note(f"genair calibrate: {dropped} weaker pairs dropped (--max-pairs {max_pairs})")
    if not quiet:
        console.table(("", "before", "after"), made.comparison(), stderr=True)
    return log.status
