"""`genair embed`: item vectors from a language model's hidden states."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from genair.config import DEFAULT_MODEL, EmbedConfig
from genair.device import usable_cores
from genair.errors import InputError
from genair.llm import FROM_FILES, PACKAGES, default_workers
from genair.provenance import versions_of
from genair.records import Failed
from genair_cli import options
from genair_cli.console import console
from genair_cli.operands import check_container_target, check_operands
from genair_cli.pace import Pace
from genair_cli.status import Status
from genair_cli.streams import container_in, rows_in
from genair_cli.working import Plan, Work, working

if TYPE_CHECKING:
    from genair.embed.like import Likeness
    from genair.embed.stage import Ledger
    from genair.llm.base import BackendSpec

DEFAULT = EmbedConfig()


def embed(
    context: typer.Context,
    archetypes: Annotated[str | None, typer.Argument(metavar="ARCH.jsonl", show_default=False)] = None,
    output: options.Output = None,
    model: options.Model = DEFAULT_MODEL,
    download: options.Download = False,
    backend: options.Backend = "llamacpp",
    device: options.Device = "auto",
    dtype: options.Dtype = "auto",
    views: Annotated[str, options.choice("What the vector is made of", (*DEFAULT.views, "both"))] = "both",
    dim: Annotated[int, typer.Option(metavar="N", help="Most principal components per view.")] = DEFAULT.dim,
    like: Annotated[
        str | None,
        typer.Option(
            "--like",
            metavar="EMB.h5",
            help="For new items: use this file's projections and settings, fit nothing.",
            show_default=False,
        ),
    ] = None,
    workers: options.Workers = None,
    wave: options.Wave = DEFAULT.wave,
    limit: options.Limit = None,
    resume: options.Resume = False,
    on_error: options.OnError = options.OnErrorChoice.FAIL,
    errors: options.Errors = None,
    force: options.Force = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
    no_color: options.NoColor = False,
) -> Status:
    """Turn archetypes into item vectors.

    One pass of the model over prompt and answer gives the mean hidden states of both.
    Writes HDF5: ids, vectors, the raw states of each view and the projections that made the vectors of them.
    """
    check_operands(archetypes, *([] if like is None else [like]), outputs=(output, errors))
    config = EmbedConfig(DEFAULT.views if views == "both" else (views,), dim, wave)
    if backend not in FROM_FILES:
        options.refuse_idle(context, f"does not go with --backend {backend}", "download")
    plan = Plan(output, errors, on_error, resume=resume, force=force)
    check_container_target(output)
    plan.check()
    likeness = None
    if like is not None:
        likeness = _likeness(context, like, wave)
        config = likeness.config
    from genair.llm.memory import require_memory
    from genair.llm.models import backend_spec

    notify = console.notes_of("genair embed")
    spec = backend_spec(
        backend, model, config.wave, device=device, dtype=dtype, download=download, notify=notify
    )
    if likeness is not None:
        _check_model(likeness, spec)
    count = default_workers(backend, usable_cores()) if workers is None else workers
    require_memory(spec, count, sequences=1)  # llama.cpp reads one after the other
    run = _Run(archetypes, limit, config, spec, count, likeness)
    return run.read(plan)


def _likeness(context: typer.Context, like: str, wave: int) -> "Likeness":
    """Read the file whose projections are used again; `wave` counts only if somebody gave it.

    Raises:
        UsageError: the command line says what that file settles.
        InputError: the file has no projections.
    """
    from genair.embed.like import read_likeness

    options.refuse_given(context, "--like", "views", "dim")
    with container_in(like) as (path, name):
        found = read_likeness(path, name)
    if not options.is_given(context, "wave"):
        return found
    return replace(found, config=replace(found.config, wave=wave))


def _check_model(likeness: "Likeness", spec: "BackendSpec") -> None:
    """Refuse another model than the file's; say if it is the same, but runs otherwise."""
    likeness.check_model(spec)
    if likeness.runs_otherwise(spec):
        console.note(
            f"genair embed: warning: {spec.name} runs as {spec.runs} here, not as for {likeness.name}"
        )


@dataclass(frozen=True)
class _Run:
    """One call: the input, the settings, and the model."""

    archetypes: str | None
    limit: int | None
    config: EmbedConfig
    spec: "BackendSpec"
    workers: int
    like: "Likeness | None"

    def read(self, plan: Plan) -> Status:
        """Do the work.

        Raises:
            InputError: there are no archetypes.
        """
        from genair.embed.extract import extract_states, keep_states, read_archetypes
        from genair.embed.stage import Ledger, read_settings
        from genair.llm.spool import STREAMS
        from genair.llm.waves import not_done, waves_of

        ledger = Ledger(self.spec)
        shaped_by = read_settings(self.config, self.spec, self.like)
        versions = versions_of(PACKAGES.get(self.spec.backend, ()))
        with (
            working(plan, {**shaped_by, "versions": versions}, STREAMS) as work,
            rows_in(self.archetypes, limit=self.limit) as source,
        ):
            readings = ledger.watch(read_archetypes(source.records, self.config))
            waves = not_done(waves_of(readings, self.config.wave, plan.stops), work.partial.done)
            units = extract_states(waves, self.config, self.spec, self.workers)
            pace = Pace()
            with console.counting("vectors", done=len(work.partial.done) * self.config.wave) as tick:
                for unit in keep_states(units, work.partial, self.config.views, work.skip):
                    count = sum(not isinstance(one, Failed) for one in unit.outcomes)
                    tick(pace.add(count), count)
            try:
                dim = self._finish(work, plan, ledger, source.reader.sha256)
            except InputError as error:  # too few to make vectors of
                message = error.message if work.partial.done else "no archetypes: the input is empty"
                work.partial.give_up()
                raise InputError(message, where=source.name) from error
        console.note(
            f"genair embed: {pace.summary('vectors')} of {dim} numbers by {self.spec.name},"
            f" {work.skipped} skipped"
        )
        return work.status

    def _finish(self, work: Work, plan: Plan, ledger: "Ledger", sha256: str) -> int:
        """Make vectors of the states, deliver the file, and return their size."""
        from genair.embed.stage import write_embeddings
        from genair.io.embeddings import create_embeddings
        from genair.llm.spool import StatesSpool

        if ledger.foreign:
            console.note(
                f"genair embed: warning: {ledger.foreign} archetypes were written by another model than"
                f" {self.spec.name}"
            )
        if self.like and (names := self.like.asked_otherwise(list(ledger.steps.values()))):
            console.note(
                f"genair embed: warning: these archetypes were written with another {', '.join(names)} than"
                f" those of {self.like.name}: their vectors differ by that, too"
            )
        path = work.partial.folder / "embeddings.h5"
        with create_embeddings(path) as writer:
            dim = write_embeddings(
                writer,
                StatesSpool.of(work.partial, self.config.views),
                self.config,
                self.spec,
                steps=list(ledger.steps.values()),
                archetypes_sha256=sha256,
                like=self.like,
            )
        work.deliver_errors()
        work.deliver(path, plan.output)
        return dim
