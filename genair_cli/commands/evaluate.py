"""`genair eval`: what a recommender makes of events that it has not learned from."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genair.config import EvaluateConfig
from genair.data import SPLITS
from genair.errors import UsageError, located
from genair.io.jsonl import encode_line
from genair_cli import options, viewing
from genair_cli.console import console
from genair_cli.operands import check_operands
from genair_cli.status import Status
from genair_cli.streams import lines_out, name_of

if TYPE_CHECKING:
    import torch

    from genair.evaluate.measuring import Contender

DEFAULT = EvaluateConfig()


def evaluate(
    context: typer.Context,
    interactions: options.Interactions,
    model: Annotated[str | None, typer.Argument(metavar="MODEL.h5", show_default=False)] = None,
    vectors: options.NewVectors = None,
    split: Annotated[
        str | None,
        options.choice(
            "Which events are ranked, by default as the model was trained",
            SPLITS.names(),
            shown=False,
        ),
    ] = DEFAULT.split,
    keep_seen: Annotated[
        bool | None,
        typer.Option(
            "--keep-seen/--no-keep-seen",
            help="Rank items that the user had before, too, by default as the model was trained.",
            show_default=False,
        ),
    ] = DEFAULT.keep_seen,
    negatives: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Rank among N sampled items, as papers do, instead of the whole catalogue.",
            show_default=False,
        ),
    ] = DEFAULT.negatives,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="OTHER.h5", help="Compare with this model on the same events.", show_default=False
        ),
    ] = None,
    ranks: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write each user's rank here, as JSONL.", show_default=False),
    ] = None,
    tail_quantile: Annotated[
        float, typer.Option(metavar="Q", help="Share of the items, rarest first, that are tail.")
    ] = DEFAULT.tail_quantile,
    tail_below: Annotated[
        int | None,
        typer.Option(metavar="N", help="Or: tail are items of fewer training events.", show_default=False),
    ] = DEFAULT.tail_below,
    short_quantile: Annotated[
        float, typer.Option(metavar="Q", help="Share of the users, shortest history first, that are short.")
    ] = DEFAULT.short_quantile,
    short_below: Annotated[
        int | None,
        typer.Option(metavar="N", help="Or: short are users of fewer training events.", show_default=False),
    ] = DEFAULT.short_below,
    seed: options.Seed = DEFAULT.seed,
    batch_size: options.UserBatch = None,
    device: options.Device = "auto",
    on_error: options.OnUnknown = options.OnErrorChoice.FAIL,
    force: options.Force = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
    no_color: options.NoColor = False,
) -> Status:
    """Measure a recommender on events that it has not learned from.

    Ranks each user's last event, or with --split time the first of the log's last tenth, among the whole
    catalogue, and reports HR, NDCG and MRR with bootstrap intervals, for all and for groups by training
    events; and coverage, Gini and popularity of what is recommended. Items the user had before are left out,
    and so are events of such items; --keep-seen leaves nothing out. Ties count by mean rank. With --vectors
    models of --items text rank items that came after their training.
    """
    for name in ("tail", "short"):
        if options.is_given(context, f"{name}_below"):
            options.refuse_idle(context, f"does nothing beside --{name}-below", f"{name}_quantile")
    if ranks is None:
        options.refuse_idle(context, "needs --ranks", "force")
    elif str(ranks) == options.STDIN:
        raise UsageError("--ranks needs a file: the figures go to stdout")
    if against is not None and vectors == options.STDIN:
        raise UsageError("--vectors - can be read once, and --against needs it twice: write it to a file")
    config = EvaluateConfig(
        split, keep_seen, negatives, seed, tail_quantile, tail_below, short_quantile, short_below
    )
    others = [one for one in (vectors, against) if one is not None]
    check_operands(model, interactions, *others, outputs=[ranks])
    with lines_out(ranks, force=force, aside=True) if ranks else nullcontext() as sink:
        from genair.device import resolve_device
        from genair.evaluate import stage
        from genair_cli.logs import read_log

        chosen = resolve_device(device, float64=True)
        contender = _contender(model, vectors, chosen)
        other = None if against is None else _contender(against, vectors, chosen)
        item_ids = contender.model.item_ids
        log = read_log(interactions, item_ids, on_error, vectors or model)
        found = stage.evaluate(contender, log.sequences, log.sha256, config, other, batch_size)
        if sink is not None:
            for row in found.per_user(item_ids):
                sink.write(encode_line(row))
    viewing.show_metrics(found.rows, json=json)
    if against is not None and not viewing.wants_json(json):
        console.note(f"genair eval: beside each value its difference from {against}'s, and p")
    for words in (*found.caveats, found.summary):
        console.note(f"genair eval: {words}")
    return log.status


def _contender(operand: str | None, vectors: str | None, device: "torch.device") -> "Contender":
    """Read a model and make it ready to score."""
    from genair.evaluate.measuring import Contender
    from genair.models.base import restore_recommender
    from genair_cli.trained import read_trained

    trained = read_trained(operand, vectors, "genair eval")
    with located(name_of(operand)):
        restored = restore_recommender(trained.config, trained.weights, len(trained.item_ids))
    return Contender(name_of(operand), trained, restored.to(device).scorer())
