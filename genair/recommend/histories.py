"""Where histories come from: lines of outside ids or a click log; unknown items are counted."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from genair.data.ids import PADDING, IdMap, Indices
from genair.data.interactions import Interactions
from genair.data.sequences import Sequences, build_sequences
from genair.errors import InputError
from genair.records import Failed, History

Group = Iterable[tuple[str, Mapping[str, Any] | Failed]]
_NAMED = 5
_TOGETHER = 8192  # users of a log in one block


@dataclass
class Unknown:
    """Events that were left out, since the model does not know their items.

    Attributes:
        events: how many.
        first: the first five of their items, each once.
    """

    events: int = 0
    first: dict[str, None] = field(default_factory=dict)

    def add(self, item_id: str, events: int = 1) -> None:
        """Count events of one item."""
        self.events += events
        if len(self.first) < _NAMED:
            self.first[item_id] = None

    def words(self) -> str:
        """Return e.g. `7 events of items that the model does not know were left out, first 'a', 'b'`."""
        named = ", ".join(map(repr, self.first))
        return f"{self.events} events of items that the model does not know were left out, first {named}"


class HistoryReader:
    """Turns histories into item indices, block by block.

    Attributes:
        unknown: what was left out so far.
    """

    def __init__(self, ids: IdMap, on_failed: Callable[[Failed], None]) -> None:
        """Take the catalogue, and what is told of lines that are broken and of users without known items.

        If `on_failed` returns, broken lines are left out, and users without known items stay, with no events.
        """
        self.unknown = Unknown()
        self._ids = ids
        self._on_failed = on_failed

    def from_lines(self, groups: Iterable[Group]) -> Iterator[Sequences]:
        """Yield a block for each group of `(where, row)` pairs; what comes before an error comes out first.

        Raises:
            InputError: what `on_failed` raises.
        """
        for group in groups:
            block = _Block(len(self._ids))
            try:
                for where, row in group:
                    self._add(block, where, row)
            except InputError:
                yield from block.finished()
                raise
            yield from block.finished()

    def _add(self, block: "_Block", where: str, row: Mapping[str, Any] | Failed) -> None:
        if isinstance(row, Failed):
            self._on_failed(row)
            return
        try:
            history = History.from_row(row, where)
        except InputError as error:
            self._on_failed(Failed(error, row))
            return
        indices = list(map(self._ids.index_of, history.item_ids))
        if PADDING in indices:
            for item_id, index in zip(history.item_ids, indices, strict=True):
                if index == PADDING:
                    self.unknown.add(item_id)
            indices = [index for index in indices if index != PADDING]
        if not indices:
            self._on_failed(_nothing_known(history.user_id, where, row))
        block.add(history.user_id, indices)

    def from_log(self, log: Interactions, users: Sequence[str], name: str) -> Iterator[Sequences]:
        """Yield blocks of a log's users in order of first appearance, or of the named ones in their order.

        Raises:
            InputError: a named user is not in the log, or none of the items is known, or what `on_failed`
                raises.
        """
        chosen = _positions(log, users, name)
        histories = build_sequences(log, self._ids, name=name, skip_unknown=True).known_only()
        events = log.items[np.isin(log.users, chosen)] if users else log.items
        counts = np.bincount(events, minlength=len(log.item_ids))
        strange = (self._ids.indices_of(log.item_ids) == PADDING) & (counts > 0)
        for item in np.flatnonzero(strange).tolist():
            self.unknown.add(log.item_ids[item], int(counts[item]))
        lengths = histories.lengths()
        for user in chosen[lengths[chosen] == 0].tolist():
            self._on_failed(_nothing_known(log.user_ids[user], name, {"user_id": log.user_ids[user]}))
        for start in range(0, len(chosen), _TOGETHER):
            block = chosen[start : start + _TOGETHER]
            yield histories.select(block, lengths[block])


class _Block:
    """Histories laid end to end as they come."""

    def __init__(self, n_items: int) -> None:
        self._n_items = n_items
        self._user_ids: list[str] = []
        self._ends, self._items = array("q", [0]), array("q")

    def add(self, user_id: str, indices: Iterable[int]) -> None:
        self._user_ids.append(user_id)
        self._items.extend(indices)
        self._ends.append(len(self._items))

    def finished(self) -> Iterator[Sequences]:
        """Yield the block, if there is anybody in it."""
        if self._user_ids:
            offsets, items = (np.array(column, dtype=np.int64) for column in (self._ends, self._items))
            yield Sequences(self._user_ids, offsets, items, self._n_items)


def _nothing_known(user_id: str, where: str, row: Mapping[str, Any]) -> Failed:
    message = f"the model knows no item of user {user_id!r}; --on-error skip answers with an empty list"
    return Failed(InputError(message, where=where), row)


def _positions(log: Interactions, users: Sequence[str], name: str) -> Indices:
    """Return where the named users are in the log's list of users; all of them, if none is named."""
    if not users:
        return np.arange(len(log.user_ids))
    known = {user_id: position for position, user_id in enumerate(log.user_ids)}
    for user_id in users:
        if user_id not in known:
            raise InputError(f"has no events of user {user_id!r}", where=name)
    return np.asarray([known[user_id] for user_id in users], dtype=np.int64)
