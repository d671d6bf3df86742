"""The whole stage: vectors in, a format's bytes out, and the ids beside them where it has no room."""

from dataclasses import replace

from genair.export import FORMATS
from genair.export.base import ItemVectors, Stream
from genair.export.ids import write_ids
from genair.export.source import normalized
from genair.provenance import add_step


def export_vectors(
    source: ItemVectors,
    to: str,
    stream: Stream,
    ids: Stream | None = None,
    *,
    view: str | None = None,
    normalize: bool = False,
) -> None:
    """Write vectors in a format.

    Args:
        source: the vectors; their blocks are used up.
        to: name in `FORMATS`.
        stream: takes the vectors.
        ids: takes the ids, for a format that wants them beside.
        view: which raw view these are, for the provenance; None is the finished vectors.
        normalize: bring all to length 1.

    Raises:
        GenairError: the format cannot hold an id, a vector that must be normalised is zero, or the format's
            library is not installed.
        InputError: a vector is not finite, or damaged.
    """
    settings = {"to": to, "view": view, "normalize": normalize}
    vectors = replace(source, steps=add_step(source.steps, "export", settings, {}))
    FORMATS.get(to).write(normalized(vectors) if normalize else vectors, stream)
    if ids is not None:
        write_ids(vectors, ids)
