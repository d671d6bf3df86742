"""`genair eval`: exact metrics on each user's last event."""

from typing import Annotated

import typer

from genair_cli import options, viewing
from genair_cli.console import console
from genair_cli.status import Status
from genair_cli.streams import check_operands


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
    from genair.device import resolve_device
    from genair.evaluate import stage
    from genair.models.base import restore_recommender
    from genair_cli.logs import read_log
    from genair_cli.trained import read_trained

    trained = read_trained(model, vectors, "genair eval")
    chosen = resolve_device(device)
    log = read_log(interactions, trained.item_ids, on_error)
    restored = restore_recommender(trained.config, trained.weights, log.sequences.n_items)
    max_length = int(trained.config["max_length"])
    rows = stage.evaluate(restored.to(chosen).scorer(), log.sequences, max_length, batch_size)
    viewing.show_metrics(rows, json=json)
    console.detail(f"genair eval: {log.sequences.n_items} items, full ranking")
    return log.status
