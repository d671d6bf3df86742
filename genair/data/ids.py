"""One place where outside ids meet inside indices.

`item_id` is the outside string, `item_index` the inside integer: 1 for the first item, 0 for padding.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from genair.errors import InputError

PADDING = 0
Indices = npt.NDArray[np.int64]


class IdMap:
    """Item ids in a fixed order.

    Attributes:
        item_ids: all of them; item_ids[i] is index i + 1.
        name: what errors call the place they are from.
    """

    def __init__(self, item_ids: Sequence[str], name: str = "the catalogue") -> None:
        """Take all ids in the order of the rows they name.

        Raises:
            InputError: an id comes twice.
        """
        self.item_ids, self.name = tuple(item_ids), name
        self._index = {item_id: row + 1 for row, item_id in enumerate(self.item_ids)}
        if len(self._index) != len(self.item_ids):
            raise InputError("item ids are not unique", where=self.name)

    def __len__(self) -> int:
        """Return the number of items, padding not counted."""
        return len(self.item_ids)

    def index_of(self, item_id: str) -> int:
        """Return an item's index (1 to n), or 0 if it is unknown."""
        return self._index.get(item_id, PADDING)

    def indices_of(self, item_ids: Iterable[str]) -> Indices:
        """Return the index of each id, 0 where it is unknown."""
        return np.fromiter((self.index_of(item_id) for item_id in item_ids), dtype=np.int64)

    def rows_for(self, wanted: Sequence[str], remedy: str = "") -> Indices:
        """Return the 0-based row of each wanted id, for joining a table to another's order.

        Args:
            wanted: ids, in the order wanted.
            remedy: how the error ends if some are not here.

        Raises:
            InputError: some ids are not here; the message lists five of them and a count.
        """
        indices = self.indices_of(wanted)
        missing = [item_id for item_id, index in zip(wanted, indices, strict=True) if index == PADDING]
        if missing:
            raise InputError(f"{self.lacks(missing)}{remedy}")
        return indices - 1

    def lacks(self, missing: Sequence[str]) -> str:
        """Return one line that names the first five ids that are not here and counts them all."""
        shown = ", ".join(repr(item_id) for item_id in missing[:5])
        more = ", ..." if len(missing) > 5 else ""
        return f"{len(missing)} item ids are not in {self.name}: {shown}{more}"
