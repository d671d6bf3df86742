"""`genair embed`: item vectors from a language model's hidden states."""

from typing import Annotated

import typer

from genair.config import DEFAULT_MODEL, EmbedConfig
from genair.device import usable_cores
from genair_cli import options
from genair_cli.console import console
from genair_cli.status import Status
from genair_cli.streams import check_operands, container_out, rows_in

DEFAULT = EmbedConfig()


def embed(
    archetypes: Annotated[str | None, typer.Argument(metavar="ARCH.jsonl", show_default=False)] = None,
    output: options.Output = None,
    model: options.Model = DEFAULT_MODEL,
    backend: options.Backend = "llamacpp",
    views: Annotated[
        str, options.choice("--views", "What the vector is made of", (*DEFAULT.views, "both"))
    ] = "both",
    dim: Annotated[int, typer.Option(metavar="N", help="Most principal components per view.")] = DEFAULT.dim,
    workers: options.Workers = None,
    parallel: options.Parallel = 16,
    wave: options.Wave = DEFAULT.wave,
    limit: options.Limit = None,
    force: options.Force = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
    no_color: options.NoColor = False,
) -> Status:
    """Turn archetypes into item vectors.

    One pass of the model over prompt and answer gives the mean hidden states of both.
    Writes HDF5: ids, vectors, the raw states of each view and the projections that made the vectors of them.
    """
    from genair.embed.stage import embed_records
    from genair.io.embeddings import create_embeddings
    from genair.llm.models import backend_spec

    check_operands(archetypes)
    config = EmbedConfig(DEFAULT.views if views == "both" else (views,), dim, wave)
    with (
        container_out(output, force=force) as path,
        rows_in(archetypes, limit=limit) as source,
        create_embeddings(path) as writer,
    ):
        spec = backend_spec(backend, model, parallel)
        made = embed_records(
            source.rows,
            config,
            spec,
            workers or usable_cores(),
            writer,
            name=source.name,
            digest=lambda: source.reader.sha256,
            watch=lambda states: console.progress(states, "vectors"),
        )
    if made.foreign:
        console.note(
            f"genair embed: warning: {made.foreign} archetypes were written by another model than {spec.name}"
        )
    console.note(f"genair embed: {made.items} vectors of {made.dim} numbers by {spec.name}")
    return Status.DONE
