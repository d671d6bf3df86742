"""The file beside a format that has no room for ids: NAME.ids.json.

JSON, since an id may hold anything, line ends included; `item_ids[i]` belongs to row i.
"""

from pathlib import Path

import orjson

from genair.export.base import ItemVectors, Stream


def ids_path(target: Path) -> Path:
    """Return the name of the file beside `target`."""
    return target.with_name(target.name + ".ids.json")


def write_ids(vectors: ItemVectors, stream: Stream) -> None:
    """Write one JSON object: the ids' digest, the provenance, and the ids, each on a line of its own."""
    labels = vectors.metadata()
    steps = orjson.Fragment(labels["genair_steps"])
    content = {**labels, "genair_steps": steps, "item_ids": list(vectors.item_ids)}
    stream.write(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
