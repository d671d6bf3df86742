"""`genair archetype`: whom each item is for, in a language model's words."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genair.archetype.prompts import TEMPLATES
from genair.config import DEFAULT_MODEL, PRESETS, ArchetypeConfig, Decoding, EmbedConfig
from genair.device import usable_cores
from genair.errors import InputError, UsageError
from genair.llm import FROM_FILES, default_workers
from genair.records import Failed, Row
from genair_cli import options
from genair_cli.console import console
from genair_cli.operands import check_container_target, check_operands
from genair_cli.pace import Pace
from genair_cli.status import Status
from genair_cli.streams import Source, rows_in
from genair_cli.working import Plan, Work, working

if TYPE_CHECKING:
    from genair.archetype.generate import Request, Written
    from genair.llm.base import BackendSpec
    from genair.llm.waves import Unit, Wave

DEFAULT = ArchetypeConfig()


def archetype(
    context: typer.Context,
    items: Annotated[str | None, typer.Argument(metavar="ITEMS.jsonl", show_default=False)] = None,
    output: options.Output = None,
    embeddings: Annotated[
        Path | None,
        typer.Option(
            metavar="EMB.h5", help="Write the vectors, too, from the same pass.", show_default=False
        ),
    ] = None,
    model: options.Model = DEFAULT_MODEL,
    download: options.Download = False,
    backend: options.Backend = "llamacpp",
    base_url: options.BaseUrl = "",
    api_key_file: options.KeyFile = "",
    device: options.Device = "auto",
    dtype: options.Dtype = "auto",
    preset: Annotated[
        str | None,
        options.choice("Defaults for the prompt and for decoding", tuple(PRESETS), shown=False),
    ] = None,
    prompt: Annotated[
        str, options.choice("Prompt template, or a TOML file", TEMPLATES.names())
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
    parallel: options.Parallel = 32,
    wave: options.Wave = DEFAULT.wave,
    shard: options.Shard = None,
    limit: options.Limit = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the first prompts, and how long it would take.")
    ] = False,
    resume: options.Resume = False,
    on_error: options.OnError = options.OnErrorChoice.FAIL,
    errors: options.Errors = None,
    force: options.Force = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
    no_color: options.NoColor = False,
) -> Status:
    """Write each item's archetype: the people it is for.

    Reads JSON lines with item_id and any attributes; writes a line an item, in the same order.
    What goes to a file can be killed at any moment: --resume goes on behind the last whole wave.
    """
    check_operands(items, outputs=(output, embeddings, errors))
    given = options.with_preset(context, preset)
    decoding = Decoding(
        given["max_tokens"], given["temperature"], given["top_p"], given["top_k"], given["repeat_penalty"]
    )
    if decoding.temperature == 0:
        options.refuse_idle(
            context,
            "needs a --temperature above 0: greedy decoding samples nothing",
            "top_p",
            "top_k",
            "seed",
        )
    if backend not in FROM_FILES:
        options.refuse_idle(context, f"does not go with --backend {backend}", "download")
    chosen = tuple(field.strip() for field in fields.split(",") if field.strip())
    config = ArchetypeConfig(given["prompt"], item_type, chosen, max_field_chars, decoding, seed, wave)
    plan = Plan(output, errors, on_error, resume=resume, force=force)
    plan.check(embeddings)
    if embeddings is not None:
        check_container_target(embeddings)
    part = options.parse_shard(shard)
    total = _survey(items, config, limit, plan)
    if total is None and shard is not None:
        raise UsageError("--shard needs a file: its items are counted first")
    if shard is not None and embeddings is not None:
        raise UsageError("--embeddings needs all items: embed the joined shards with genair embed")
    from genair.llm.memory import require_memory
    from genair.llm.models import backend_spec

    notify = console.notes_of("genair archetype")
    spec = backend_spec(
        backend, model, parallel, base_url, api_key_file, device, dtype, download=download, notify=notify
    )
    count = default_workers(backend, usable_cores()) if workers is None else workers
    require_memory(spec, count, min(parallel, wave), decoding.max_tokens, want_states=embeddings is not None)
    if dry_run:
        from genair_cli.dry_run import dry_run as show

        show(items, config, spec, count, limit, total if part == (1, 1) else _of_shard(total or 0, part))
        return Status.DONE
    run = _Run(items, limit, config, spec, count, part, total)
    return run.write(plan, embeddings)


def _survey(items: str | None, config: ArchetypeConfig, limit: int | None, plan: Plan) -> int | None:
    """Count the items of a file before the long work begins, and find what would stop it, or change nothing.

    Raises:
        InputError: an item cannot be used, and none is to be skipped.
    """
    from genair.archetype.generate import requests

    if items in (None, options.STDIN) or not Path(str(items)).is_file():
        return None
    count, there = 0, set[str]()

    def seen(records: Iterable[tuple[str, Row | Failed]]) -> Iterator[tuple[str, Row | Failed]]:
        for where, row in records:
            there.update(() if isinstance(row, Failed) else row)
            yield where, row

    with rows_in(items, limit=limit) as source:
        for record in requests(seen(source.records), config):
            if not isinstance(record, Failed):
                count += 1
            elif plan.stops:
                raise record.error
    if nowhere := [field for field in config.fields if field not in there]:
        console.note(f"genair archetype: warning: no item has {', '.join(nowhere)} (--fields)")
    return count


@dataclass(frozen=True)
class _Run:
    """One call: the input, the settings, and what was found out about them."""

    items: str | None
    limit: int | None
    config: ArchetypeConfig
    spec: "BackendSpec"
    workers: int
    shard: tuple[int, int]
    total: int | None

    def write(self, plan: Plan, embeddings: Path | None) -> Status:
        """Do the work.

        Raises:
            InputError: there are no items.
        """
        from genair.archetype.generate import keep_archetypes, provenance, write_archetypes
        from genair.llm.spool import STREAMS

        fused = embeddings is not None
        made_by = provenance(self.config, self.spec)
        named = {key: value for key, value in made_by.items() if key != "id"}  # which would hide what changed
        settings = {**named, "shard": list(self.shard), "embeddings": fused}
        with (
            working(
                plan,
                settings,
                STREAMS if fused else (),
                through="lines",
                aside=fused or plan.errors is not None,
            ) as work,
            rows_in(self.items, limit=self.limit) as source,
        ):
            waves = self._waves(source, work.partial.done, plan.stops)
            units = write_archetypes(waves, self.config, self.spec, self.workers, want_states=fused)
            self._show(keep_archetypes(units, work.partial, work.skip), work)
            if not work.partial.done and self.shard == (1, 1):
                raise InputError("no items: the input is empty", where=source.name)
            if embeddings is not None:
                try:
                    _embed(work, embeddings, self)
                except InputError as error:  # too few to make vectors of
                    work.partial.give_up()
                    raise InputError(error.message, where=source.name) from error
            work.deliver_errors()
            if not plan.is_stream():
                work.deliver(work.partial.path("lines"), plan.output)
        return work.status

    def _waves(self, source: Source, done: Sequence[str], stops: bool) -> "Iterator[Wave[Request]]":
        """Return the waves that are this call's, and not done."""
        from genair.archetype.generate import requests
        from genair.llm.waves import not_done, shard_of, waves_of

        size = self.config.wave
        waves = waves_of(requests(source.records, self.config), size, stops)
        if self.total is None:
            return not_done(waves, done)
        return not_done(shard_of(waves, self.total, size, self.shard), done)

    def _show(self, units: "Iterator[Unit[Written]]", work: Work) -> None:
        """Show how it goes, and say how it went."""
        total = None if self.total is None else _of_shard(self.total, self.shard)
        pace = Pace()
        with console.counting("archetypes", total, len(work.partial.done) * self.config.wave) as tick:
            for unit in units:
                written = [one.archetype for one in unit.outcomes if not isinstance(one, Failed)]
                words = pace.add(len(written), sum(one.archetype_tokens for one in written))
                if written:
                    console.detail(f"{written[-1].item_id}: {written[-1].archetype}")
                tick(words, len(written))
        console.note(
            f"genair archetype: {pace.summary('archetypes')} by {self.spec.name}, {work.skipped} skipped"
        )


def _of_shard(total: int, shard: tuple[int, int]) -> int:
    """Return about how many of all items are a shard's, but for whole waves."""
    index, count = shard
    return total * index // count - total * (index - 1) // count


def _embed(work: Work, target: Path, run: _Run) -> None:
    """Make vectors of the states that went by."""
    from genair.archetype.generate import provenance
    from genair.embed.stage import write_embeddings
    from genair.io.embeddings import create_embeddings
    from genair.llm.spool import StatesSpool
    from genair.provenance import archetype_step

    config = EmbedConfig(wave=run.config.wave)
    path = work.partial.folder / "embeddings.h5"
    with create_embeddings(path) as writer:
        write_embeddings(
            writer,
            StatesSpool.of(work.partial, config.views),
            config,
            run.spec,
            steps=[archetype_step(provenance(run.config, run.spec))],
            archetypes_sha256=work.partial.sha256("lines"),
            fused=True,
        )
    work.deliver(path, target)
