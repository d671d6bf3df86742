"""Outside ids as integers, kept by polars: no Python object per id, and none per row."""

import numpy as np
import numpy.typing as npt
import polars as pl


class Codes:
    """Strings to integers, column by column; a string that comes again has the integer it had before."""

    def __init__(self) -> None:
        """Start without strings."""
        self._type = pl.Categorical(pl.Categories.random())
        self._alive = pl.Series([], dtype=self._type)  # polars forgets categories that no column uses
        self._end = 0

    def of(self, ids: pl.Series) -> pl.Series:
        """Return the codes of strings, uint32."""
        codes = ids.cast(self._type).to_physical()
        if len(codes):
            self._end = max(self._end, 1 + codes.to_numpy().max())
        return codes

    def ranked(self) -> tuple[pl.Series, pl.Series]:
        """Return the strings in the order of their bytes, and the rank of each code."""
        codes = pl.int_range(self._end, eager=True, dtype=pl.UInt32)
        ids = self._strings(codes)  # null for a code that was not given out
        order = ids.arg_sort(nulls_last=True)
        return ids.gather(order).drop_nulls(), order.arg_sort()

    def by_appearance(self, codes: pl.Series) -> tuple[list[str], npt.NDArray[np.int64]]:
        """Return the strings in the order in which rows begin to have them, and the index of each row's.

        Args:
            codes: what `of` returned, one column after the other, shape (rows,).

        Returns:
            The strings, each once, and int64, shape (rows,): which of them a row has.
        """
        order = codes.unique(maintain_order=True)
        ranks = np.empty(self._end, dtype=np.int64)
        ranks[order.to_numpy()] = np.arange(len(order))
        return self._strings(order).to_list(), ranks[codes.to_numpy()]

    def _strings(self, codes: pl.Series) -> pl.Series:
        return codes.cat.to(self._type, strict=False).cast(pl.String)
