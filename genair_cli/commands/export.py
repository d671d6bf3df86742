"""`genair export`: item vectors for the systems people already have."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from genair.config import EmbedConfig
from genair.errors import UsageError, located
from genair.export import FORMATS
from genair_cli import options
from genair_cli.console import console
from genair_cli.operands import check_operands, refuse_terminal
from genair_cli.status import Status
from genair_cli.streams import Outlet, container_in, lines_out

if TYPE_CHECKING:
    from genair.export.base import Format, ItemVectors, Stream

_VIEWS = EmbedConfig().views


def export(
    context: typer.Context,
    to: Annotated[str, options.choice("What is to read them", FORMATS.names(), shown=False)],
    file: Annotated[str | None, typer.Argument(metavar="FILE.h5", show_default=False)] = None,
    output: options.Output = None,
    view: Annotated[
        str | None,
        options.choice("Raw states that embed kept, not the vectors", _VIEWS, shown=False),
    ] = None,
    normalize: Annotated[
        bool, typer.Option("--normalize", help="Bring all to length 1, so that inner products are cosines.")
    ] = False,
    force: options.Force = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
    no_color: options.NoColor = False,
) -> Status:
    """Write item vectors for other systems.

    Takes what embed or calibrate wrote, or a model: then the vectors are those by which it scores its items.
    Ids are in the file; npy and faiss have no room for them and get OUTPUT.ids.json beside. docs/formats.md
    says what each format holds and how to open it.
    """
    check_operands(file, outputs=[output])
    if view is not None and view not in _VIEWS:
        raise UsageError(f"--view must be {' or '.join(_VIEWS)}, not {view!r}")
    with (
        _outputs(output, FORMATS.get(to), to, force=force) as (stream, ids),
        _vectors(context, file, view) as vectors,
        console.counting("vectors", len(vectors.item_ids)) as tick,
    ):
        from genair.export.source import watched
        from genair.export.stage import export_vectors

        seen = watched(vectors, lambda count: tick("", count))
        export_vectors(seen, to, stream, ids, view=view, normalize=normalize)
    console.note(f"genair export: {len(vectors.item_ids)} vectors of {vectors.dim} numbers")
    return Status.DONE


@contextmanager
def _outputs(
    output: Path | None, kind: "Format", to: str, *, force: bool
) -> Iterator[tuple["Stream", "Stream | None"]]:
    """Open what takes the vectors, and what takes the ids if they lie beside.

    Raises:
        UsageError: stdout is a terminal, or has no place beside it.
        GenairError: an output cannot be written.
    """
    from genair.export.ids import ids_path
    from genair.io.atomic import atomic_pair
    from genair.io.special import closing

    is_stdout = output is None or str(output) == options.STDIN
    with ExitStack() as stack:
        if not kind.ids_beside:
            if not kind.is_text:
                refuse_terminal(output, to)
            yield stack.enter_context(lines_out(output, force=force)), None
            return
        if is_stdout or cast(Path, output).suffix == ".gz":
            raise UsageError(
                f"--to {to} writes two files, vectors and ids: name the first by -o FILE, not .gz"
            )
        target = cast(Path, output)
        paths = stack.enter_context(atomic_pair(target, ids_path(target), force=force))
        vectors, ids = (stack.enter_context(closing(path.open("wb"), str(target))) for path in paths)
        yield Outlet(vectors, target), Outlet(ids, target)


@contextmanager
def _vectors(context: typer.Context, file: str | None, view: str | None) -> Iterator["ItemVectors"]:
    """Open the vectors of an embedding file, or compute those of a model's items.

    Raises:
        UsageError: a view is asked of a model.
        InputError: the file is damaged, or has no such vectors.
    """
    from genair.export.source import computed_vectors, stored_vectors
    from genair.io.checkpoints import KIND, read_model
    from genair.io.container import open_container

    with container_in(file) as (path, name), open_container(path, name) as container:
        if container.kind != KIND:
            yield stored_vectors(container, view)
            return
        from genair.models.table import item_table

        options.refuse_idle(context, "is for what embed wrote: a model has no views", "view")
        model = read_model(path, name)
        with located(name):
            table = item_table(model)
        yield computed_vectors(name, model.item_ids, table, model.steps)
