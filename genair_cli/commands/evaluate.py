"""`genair eval`: exact metrics on each user's last event."""

from typing import Annotated

import typer

from genair_cli import options, viewing
from genair_cli.console import console
from genair_cli.status import Status
from genair_cli.streams import check_operands, container_in


def evaluate(
    interactions: options.Interactions,
    model: Annotated[str | None, typer.Argument(metavar="MODEL.h5", show_default=False)] = None,
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
    Items the user had before are left out of the ranking; ties count by mean rank.
    """
    check_operands(model, interactions)
    with container_in(model) as (path, name):
        from genair.device import resolve_device
        from genair.evaluate import stage
        from genair.io.checkpoints import read_model
        from genair.models.base import restore_recommender
        from genair_cli.logs import read_log

        chosen = resolve_device(device)
        trained = read_model(path, name)
        log = read_log(interactions, trained.item_ids, on_error)
        scorer = (
            restore_recommender(trained.config, trained.weights, log.sequences.n_items).to(chosen).scorer()
        )
        rows = stage.evaluate(scorer, log.sequences, int(trained.config["max_length"]), batch_size)
    viewing.show_metrics(rows, json=json)
    console.detail(f"genair eval: {log.sequences.n_items} items, full ranking")
    return log.status
