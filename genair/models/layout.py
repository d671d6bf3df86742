"""Where the events of a batch lie: packed one after the other, without padding, or in padded rectangles.

What is computed for each event alone is computed packed; what looks at other events is computed a piece of
the batch at a time, histories of like length, each as wide as its longest.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Lengths = npt.NDArray[np.int64]
Work = Callable[[Tensor, Tensor], Tensor]
"""Maps (users, width, numbers) and what is present, bool (users, width), to (users, width, other numbers)."""
_WORTH = 512  # padded events that a piece of its own saves


class Piece(NamedTuple):
    """Some histories of a batch.

    Attributes:
        events: how many of the packed events are theirs.
        present: bool (users, width), False where padded.
        rows: where each event lies in the rectangle, (events,); None if nothing is padded.
    """

    events: int
    present: Tensor
    rows: Tensor | None


class Layout:
    """The events of a batch, histories by rising length.

    Attributes:
        places: of each event, 0 the first of its history, (events,).
        behind: how many events its history has after it, (events,).
    """

    def __init__(self, lengths: Lengths, device: torch.device) -> None:
        """Take how many events each history has, 1 or more, ascending."""
        ends = np.cumsum(lengths)
        places = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)
        self.places = torch.from_numpy(places).to(device)
        self.behind = torch.from_numpy(np.repeat(lengths, lengths) - 1 - places).to(device)
        self._pieces = [_piece(lengths[piece], device) for piece in pieces(lengths)]

    def apart(self, packed: Tensor, work: Work) -> Tensor:
        """Return what work makes of numbers of each event, (events, numbers), a piece at a time."""
        found = []
        parts = torch.split(packed, [piece.events for piece in self._pieces])
        for piece, part in zip(self._pieces, parts, strict=True):
            users, width = piece.present.shape
            whole = part if piece.rows is None else _spread(part, piece.rows, users * width)
            made = work(whole.view(users, width, -1), piece.present).flatten(0, 1)
            found.append(made if piece.rows is None else made.index_select(0, piece.rows))
        return torch.cat(found)


def packed_through(work: Callable[[Tensor, Layout], Tensor], events: Tensor, present: Tensor) -> Tensor:
    """Return what work makes of packed events, for padded ones (users, length, dim); 0 where padded."""
    users, length, dim = events.shape
    lengths, order = present.sum(dim=1).sort(stable=True)
    places = torch.arange(length, device=events.device)
    rows = (order[:, None] * length + places)[places < lengths[:, None]]
    layout = Layout(lengths.cpu().numpy(), events.device)
    states = work(events.reshape(-1, dim).index_select(0, rows), layout)
    return _spread(states, rows, users * length).view(users, length, dim)


def pieces(lengths: Lengths) -> list[slice]:
    """Cut a batch, lengths (windows,) ascending, so that little is padded, each piece as wide as its last.

    A piece has windows of more than half its width, unless they are too few to be worth one of their own.
    """
    found, stop = [], len(lengths)
    while stop:
        width = int(lengths[stop - 1])
        start = int(np.searchsorted(lengths[:stop], width // 2, side="right"))
        if start and start * (width - int(lengths[start - 1])) < _WORTH:
            start = 0
        found.append(slice(start, stop))
        stop = start
    return found[::-1]


def _piece(lengths: Lengths, device: torch.device) -> Piece:
    present = np.arange(lengths[-1]) < lengths[:, None]
    rows = None if present.all() else torch.from_numpy(np.flatnonzero(present)).to(device)
    return Piece(int(lengths.sum()), torch.from_numpy(present).to(device), rows)


def _spread(packed: Tensor, rows: Tensor, size: int) -> Tensor:
    """Return numbers of events (events, numbers) as rows of (size, numbers), 0 elsewhere."""
    return packed.new_zeros(size, packed.shape[1]).index_copy_(0, rows, packed)
