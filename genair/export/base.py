"""Vectors on their way out, and what a format is.

Vectors pass block by block, each with its ids, so a table never has to fit in memory.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from genair.errors import GenairError
from genair.io.container import ids_digest
from genair.provenance import Step

Block = npt.NDArray[np.float32]


class Stream(Protocol):
    """Where bytes go: an open file, or whatever stands for stdout."""

    def write(self, data: bytes, /) -> object:
        """Write all of it."""


@dataclass(frozen=True)
class ItemVectors:
    """The vectors of a catalogue.

    Attributes:
        name: what errors call the file they come from.
        item_ids: outside ids, all different, at least one.
        dim: numbers in a vector.
        steps: provenance, oldest first.
        blocks: (ids, vectors (n, dim)) of all items in the order of `item_ids`; read once.
    """

    name: str
    item_ids: Sequence[str]
    dim: int
    steps: Sequence[Step]
    blocks: Iterator[tuple[Sequence[str], Block]]

    def metadata(self) -> dict[str, str]:
        """Return whose vectors these are and who made them, for formats with room for strings."""
        steps = [json.loads(step.to_json()) for step in self.steps]
        return {
            "genair_ids_sha256": ids_digest(self.item_ids),
            "genair_steps": json.dumps(steps, ensure_ascii=False),
        }

    def refuse_ids(self, fault_of: Callable[[str], str | None]) -> None:
        """Refuse ids that a format cannot hold, before anything is written.

        Args:
            fault_of: returns what is wrong with an id, if anything is: the end of `item id 'x' ...`.

        Raises:
            GenairError: there is such an id.
        """
        for item_id in self.item_ids:
            if fault := fault_of(item_id):
                raise GenairError(
                    f"item id {item_id!r} {fault}: export to parquet or npy, which hold every id",
                    where=self.name,
                )


@dataclass(frozen=True)
class Format:
    """How one kind of reader wants vectors.

    Attributes:
        write: writes all of them to a stream, in order.
        ids_beside: there is no room for ids: they go into a second file (`genair.export.ids`).
        is_text: a person may read it.
    """

    write: Callable[[ItemVectors, Stream], None]
    ids_beside: bool = False
    is_text: bool = False
