"""`genair train`: a sequential recommender on item vectors, ids, or both."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genair.calibrate import OBJECTIVES
from genair.config import ITEM_ENCODERS, PRECISIONS, JointConfig, TrainConfig
from genair.data import SPLITS
from genair.models import BACKBONES
from genair.train import LOSSES, RECIPES, SAMPLERS, SCHEDULES
from genair_cli import options
from genair_cli.console import console
from genair_cli.growing import refuse_packed
from genair_cli.operands import check_container_target, check_operands
from genair_cli.status import Status
from genair_cli.streams import container_in, name_of
from genair_cli.working import Plan

if TYPE_CHECKING:
    import torch

    from genair.io.embeddings import EmbeddingTable

DEFAULT = TrainConfig()


def train(
    context: typer.Context,
    interactions: options.Interactions,
    vectors: Annotated[str | None, typer.Argument(metavar="CAL.h5", show_default=False)] = None,
    output: options.Output = None,
    recipe: Annotated[
        str | None,
        options.choice("Defaults for a data set, or a TOML file", RECIPES.names(), shown=False),
    ] = None,
    backbone: Annotated[
        str,
        options.choice("The recommender, yours by module:Class or one of", BACKBONES.names()),
    ] = DEFAULT.backbone,
    items: Annotated[str, options.choice("What stands for an item", ITEM_ENCODERS)] = DEFAULT.items,
    loss: Annotated[str, options.choice("What is minimised", LOSSES.names())] = DEFAULT.loss,
    sampler: Annotated[
        str, options.choice("What draws the negatives of sampled-ce", SAMPLERS.names())
    ] = DEFAULT.sampler,
    negatives: Annotated[
        int, typer.Option(metavar="N", help="Items that sampled-ce and gbce draw a step, for all its events.")
    ] = DEFAULT.negatives,
    gbce_t: Annotated[
        float,
        typer.Option(metavar="T", help="How much gbce makes up for drawing few, 0 to 1; 0 is plain BCE."),
    ] = DEFAULT.gbce_t,
    split: Annotated[
        str, options.choice("What is left for validation and test", SPLITS.names())
    ] = DEFAULT.split,
    keep_seen: options.KeepSeen = DEFAULT.keep_seen,
    calibrate_weight: Annotated[
        float | None,
        typer.Option(
            metavar="R",
            help="Add calibration to the loss, its gradient R times the loss's at the item vectors.",
            show_default=False,
        ),
    ] = None,
    alpha: Annotated[
        float | None,
        typer.Option(
            metavar="A", help="Add A times calibration to the loss, as in the paper.", show_default=False
        ),
    ] = None,
    calibrate_objective: Annotated[
        str, options.choice("What calibration minimises", OBJECTIVES.names())
    ] = DEFAULT.joint.objective,
    calibrate_items: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Calibrate N random items a step instead of the step's own; 0 is all.",
            show_default=False,
        ),
    ] = DEFAULT.joint.items,
    calibrate_gamma: options.Gamma = DEFAULT.joint.gamma,
    calibrate_window: options.Window = DEFAULT.joint.graph.window,
    calibrate_min_count: options.MinCount = DEFAULT.joint.graph.min_count,
    calibrate_user_norm: options.UserNorm = DEFAULT.joint.graph.user_norm,
    calibrate_score: options.Score = DEFAULT.joint.graph.score,
    calibrate_max_pairs: options.MaxPairs = DEFAULT.joint.graph.max_pairs,
    dim: Annotated[int, typer.Option(metavar="N", help="Width of the recommender.")] = DEFAULT.dim,
    blocks: Annotated[
        int, typer.Option(metavar="N", help="Transformer blocks, or layers of a GRU.")
    ] = DEFAULT.blocks,
    heads: Annotated[int, typer.Option(metavar="N", help="Attention heads.")] = DEFAULT.heads,
    dropout: Annotated[float, typer.Option(metavar="P", help="Probability of dropout.")] = DEFAULT.dropout,
    mask_probability: Annotated[
        float, typer.Option(metavar="P", help="Of masking an event while bert4rec learns.")
    ] = DEFAULT.mask_probability,
    max_length: Annotated[int, typer.Option(metavar="N", help="Events the model sees.")] = DEFAULT.max_length,
    batch_size: Annotated[int, typer.Option(metavar="N", help="Sequences a step.")] = DEFAULT.batch_size,
    learning_rate: Annotated[float, typer.Option(metavar="R", help="Of Adam.")] = DEFAULT.learning_rate,
    schedule: Annotated[
        str,
        options.choice("How the learning rate falls by the end of --epochs", SCHEDULES.names()),
    ] = DEFAULT.schedule,
    warmup: Annotated[
        float, typer.Option(metavar="EPOCHS", help="How long the learning rate rises first.")
    ] = DEFAULT.warmup,
    epochs: Annotated[int, typer.Option(metavar="N", help="Most passes over the data.")] = DEFAULT.epochs,
    patience: Annotated[
        int, typer.Option(metavar="N", help="Stop after so many epochs without gain.")
    ] = DEFAULT.patience,
    refit: Annotated[
        bool,
        typer.Option(
            "--refit/--no-refit",
            help="Then learn anew from validation events, too, for as many epochs as were best.",
        ),
    ] = DEFAULT.refit,
    seed: options.Seed = DEFAULT.seed,
    device: options.Device = "auto",
    precision: Annotated[
        str,
        options.choice(
            "What large products are computed in; auto is bf16 on CUDA, else fp32",
            ("auto", *PRECISIONS),
        ),
    ] = "auto",
    log: Annotated[
        Path | None,
        typer.Option(
            "--log", metavar="FILE", help="Add a JSON line after each epoch, to watch.", show_default=False
        ),
    ] = None,
    resume: options.Resume = False,
    on_error: options.OnUnknown = options.OnErrorChoice.FAIL,
    force: options.Force = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
    no_color: options.NoColor = False,
) -> Status:
    """Train a sequential recommender.

    The last two events of each user are left for validation and test; with --split time, all events of the
    last fifth of the log, so that nothing is learned from the future of another user.
    Reads item vectors and a click log; writes a model that serves alone. With --items id vectors may be
    left out: if they are there, the model has a row for each of their items.
    """
    from genair.device import resolve_device

    chosen = resolve_device(device, float64=True)
    config = _config(context, chosen)
    needs_vectors = config.items != "id" or vectors is not None
    check_operands(*([vectors] if needs_vectors else []), interactions, outputs=(output, log))
    check_container_target(output)
    plan = Plan(output, None, on_error, resume=resume, force=force)
    plan.check(log)
    refuse_packed("--log", log)
    from genair.evaluate.caveats import of_vectors
    from genair_cli.learning import Run
    from genair_cli.logs import read_log

    table = _vectors(vectors) if needs_vectors else None
    events = read_log(interactions, table.item_ids if table else None, on_error, vectors)
    if table is not None and config.items != "id":
        for words in of_vectors(name_of(vectors), table.steps, config.split, events.sha256):
            console.note(f"genair train: {words}")
    most = len(events.item_ids)
    for words in options.beyond(context, {"calibrate_items": most}):
        console.note(f"genair train: {words}")
    if config.loss == "gbce" and config.negatives >= most - 1:
        options.refuse_idle(context, f"changes nothing where --negatives draws all {most} items", "gbce_t")
    run = Run(config, chosen, table, events)
    run.require_memory()
    made = run.learn(plan, log)
    console.note(f"genair train: {made.summary()}")
    if made.run.dropped:
        cut = f"(--calibrate-max-pairs {config.joint.graph.max_pairs})"
        console.note(f"genair train: {made.run.dropped} weaker pairs dropped {cut}")
    return events.status


def _config(context: typer.Context, device: "torch.device") -> TrainConfig:
    """Return the settings: the command line's, then the recipe's, then the defaults.

    Raises:
        UsageError: one is unknown, out of its range, or would change nothing.
        InputError: the recipe is none.
    """
    from genair.train.idle import idle_settings
    from genair.train.precision import require_products, resolve_precision
    from genair.train.recipes import load_recipe

    recipe = context.params["recipe"]
    stated = {} if recipe is None else load_recipe(recipe)
    if not all(
        options.is_default(context, name) for name in JointConfig.WEIGHTS
    ):  # whoever gives one gives both
        stated = {name: value for name, value in stated.items() if name not in JointConfig.WEIGHTS}
    given = {**options.with_defaults(context, stated), **_one_weight(context)}
    config = TrainConfig.from_options({**given, "precision": resolve_precision(given["precision"], device)})
    for name, cause in idle_settings(config).items():
        options.refuse_idle(context, f"changes nothing {cause}", name)
    require_products(config, device)
    return config


def _one_weight(context: typer.Context) -> dict[str, None]:
    """Return the weight to leave out: a settings file's, if the command line gives the other."""
    said = [name for name in JointConfig.WEIGHTS if options.is_given(context, name)]
    return dict.fromkeys((name for name in JointConfig.WEIGHTS if name not in said), None) if said else {}


def _vectors(operand: str | None) -> "EmbeddingTable":
    from genair.io.embeddings import read_table

    with container_in(operand) as (path, name):
        return read_table(path, name)
