"""`genair eval`: exact metrics on each user's last event."""

from typing import TYPE_CHECKING, Annotated

import typer

from genair_cli import options, viewing
from genair_cli.console import console
from genair_cli.status import Status
from genair_cli.streams import check_operands, container_in

if TYPE_CHECKING:
    from genair.io.checkpoints import ModelFile


def evaluate(
    interactions: options.Interactions,
    model: Annotated[str | None, typer.Argument(metavar="MODEL.h5", show_default=False)] = None,
    vectors: Annotated[
        str | None,
        typer.Option(
            "--vectors",
            metavar="EMB.h5",
            help="Rank this file's new items, too: vectors of all the model's items and more.",
            show_default=False,
        ),
    ] = None,
    batch_size: Annotated[int, typer.Option(metavar="N", help="Users ranked together.")] = 512,
    device: options.Device = "auto",
    on_error: options.OnError = options.OnErrorChoice.FAIL,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
    no_color: options.NoColor = False,
) -> Status:
    """Measure a recommender on each user's last event.

    Ranks it among the whole catalogue and reports HR, NDCG and MRR.
    Items the user had before are left out of the ranking; ties count by mean rank. With --vectors a model
    of --items text ranks items that came after its training by their vectors; nothing is trained again.
    """
    check_operands(model, interactions, *([] if vectors is None else [vectors]))
    trained = _trained(model, vectors)
    from genair.device import resolve_device
    from genair.evaluate import stage
    from genair.models.base import restore_recommender
    from genair_cli.logs import read_log

    chosen = resolve_device(device)
    log = read_log(interactions, trained.item_ids, on_error)
    restored = restore_recommender(trained.config, trained.weights, log.sequences.n_items)
    max_length = int(trained.config["max_length"])
    rows = stage.evaluate(restored.to(chosen).scorer(), log.sequences, max_length, batch_size)
    viewing.show_metrics(rows, json=json)
    console.detail(f"genair eval: {log.sequences.n_items} items, full ranking")
    return log.status


def _trained(model: str | None, vectors: str | None) -> "ModelFile":
    """Read a model, and make it know the items that only the vectors' file has."""
    from genair.io.checkpoints import read_model
    from genair.io.embeddings import read_table
    from genair.models.cold import extend_catalogue

    with container_in(model) as (path, model_name):
        trained = read_model(path, model_name)
    if vectors is None:
        return trained
    with container_in(vectors) as (path, name):
        known = len(trained.item_ids)
        extended = extend_catalogue(trained, read_table(path, name), model_name=model_name, name=name)
    console.note(f"genair eval: {len(extended.item_ids) - known} items of {name} are new to the model")
    return extended
