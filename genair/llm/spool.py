"""Hidden states on their way to vectors: a flat file that grows wave by wave, with the ids beside it.

HDF5 cannot be appended to safely by a process that may be killed; float32 rows and lines of JSON can.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import orjson

from genair.io.partial import Partial
from genair.llm.base import PooledStates

Rows = npt.NDArray[np.float32]
STREAMS = ("ids", "states")
_BLOCK = 1024


def add_states(partial: Partial, item_id: str, states: PooledStates, views: Sequence[str]) -> None:
    """Append an item's states to a work in progress; they count from its next commit on."""
    partial.write("ids", orjson.dumps(item_id, option=orjson.OPT_APPEND_NEWLINE))
    partial.write("states", b"".join(getattr(states, view).tobytes() for view in views))


@dataclass(frozen=True)
class StatesSpool:
    """All states, to be read as often as need be.

    Attributes:
        ids: path of the stream `ids`.
        states: path of the stream `states`.
        views: what each row holds, in order.
    """

    ids: Path
    states: Path
    views: Sequence[str]

    @classmethod
    def of(cls, partial: Partial, views: Sequence[str]) -> "StatesSpool":
        """Return what a finished work holds."""
        return cls(partial.path("ids"), partial.path("states"), views)

    def item_ids(self) -> Iterator[str]:
        """Yield the outside id of each row."""
        with self.ids.open("rb") as lines:
            yield from map(orjson.loads, lines)

    def blocks(self) -> Iterator[Mapping[str, Rows]]:
        """Yield the states by view, shape (n, hidden) each, in blocks of rows."""
        count = sum(1 for _ in self.item_ids())
        if not count:
            return
        rows = np.memmap(self.states, np.float32, "r").reshape(count, len(self.views), -1)
        for start in range(0, count, _BLOCK):
            block = np.array(rows[start : start + _BLOCK])
            yield {view: block[:, index] for index, view in enumerate(self.views)}
