"""`genair archetype`: whom each item is for, in a language model's words."""

from typing import Annotated

import typer

from genair.archetype.prompts import template_names
from genair.config import DEFAULT_MODEL, ArchetypeConfig, Decoding
from genair.device import usable_cores
from genair.errors import InputError
from genair_cli import options
from genair_cli.console import console
from genair_cli.skipping import skipping
from genair_cli.status import Status
from genair_cli.streams import check_operands, rows_in, rows_out

DEFAULT = ArchetypeConfig()


def archetype(
    items: Annotated[str | None, typer.Argument(metavar="ITEMS.jsonl", show_default=False)] = None,
    output: options.Output = None,
    model: options.Model = DEFAULT_MODEL,
    backend: options.Backend = "llamacpp",
    prompt: Annotated[
        str, options.choice("--prompt", "Prompt template, or a TOML file", template_names())
    ] = DEFAULT.prompt,
    item_type: Annotated[str, typer.Option(help="What the prompt calls an item.")] = DEFAULT.item_type,
    fields: Annotated[
        str, typer.Option(help="Attributes to show, comma-separated.  [default: all]", show_default=False)
    ] = "",
    max_field_chars: Annotated[
        int, typer.Option(metavar="N", help="Cut attributes here; 0 is the template's limit.")
    ] = 0,
    max_tokens: Annotated[
        int, typer.Option(metavar="N", help="Most tokens to write.")
    ] = DEFAULT.decoding.max_tokens,
    temperature: Annotated[
        float, typer.Option(metavar="T", help="0 is greedy.")
    ] = DEFAULT.decoding.temperature,
    top_p: Annotated[
        float, typer.Option(metavar="P", help="Sample from this much probability.")
    ] = DEFAULT.decoding.top_p,
    top_k: Annotated[
        int, typer.Option(metavar="K", help="Sample from K tokens; 0 is all.")
    ] = DEFAULT.decoding.top_k,
    repeat_penalty: Annotated[
        float, typer.Option(metavar="R", help="Against repetition; 1 is off.")
    ] = DEFAULT.decoding.repeat_penalty,
    seed: options.Seed = DEFAULT.seed,
    workers: options.Workers = None,
    parallel: options.Parallel = 16,
    wave: options.Wave = DEFAULT.wave,
    limit: options.Limit = None,
    on_error: options.OnError = options.OnErrorChoice.FAIL,
    errors: options.Errors = None,
    force: options.Force = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
    no_color: options.NoColor = False,
) -> Status:
    """Write each item's archetype: the people it is for.

    Reads JSON lines with item_id and any attributes; writes a line an item, in the same order.
    """
    from genair.archetype.generate import requests, write_archetypes
    from genair.llm.models import backend_spec

    check_operands(items)
    decoding = Decoding(max_tokens, temperature, top_p, top_k, repeat_penalty)
    chosen = tuple(field.strip() for field in fields.split(",") if field.strip())
    config = ArchetypeConfig(prompt, item_type, chosen, max_field_chars, decoding, seed, wave)
    with (
        rows_out(output, force=force) as sink,
        skipping(on_error, errors, force=force) as (skipped, on_bad),
        rows_in(items, limit=limit, on_bad=on_bad) as source,
    ):
        wanted = requests(source.rows, config, on_bad)
        spec = backend_spec(backend, model, parallel)
        count = 0
        for record in console.progress(
            write_archetypes(wanted, config, spec, workers or usable_cores()), "archetypes"
        ):
            sink.write(record.to_row())
            count += 1
        if not count and not skipped.count:
            raise InputError("no items: the input is empty", where=source.name)
    console.note(f"genair archetype: {count} archetypes by {spec.name}, {skipped.count} skipped")
    return skipped.status
