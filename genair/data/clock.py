"""Points in time as logs write them: numbers since 1970 of some unit, ISO 8601, or a mere order.

A log's numbers stay as they are, whole ones as int64, so that nothing is rounded before it is written; only
text becomes microseconds. Times without an offset are UTC.
"""

import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from genair.config.importing import TIME_UNITS, with_zone
from genair.errors import UsageError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PATTERNS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d")
UNITS = ("order", *TIME_UNITS)
_BORDERS = (1e8, 1e11, 1e14, 1e17)  # 1973 in seconds; 5138, which in the next unit is 1973, and so on
_LARGEST = 2.0**62
_MICROSECONDS = 10**6


@dataclass(frozen=True)
class Clock:
    """What a log's times are.

    Attributes:
        form: a unit, `iso`, a pattern or `order`.
        per_second: ticks of the numbers in a second; None where they only order events.
        guessed: whether nobody said so.
    """

    form: str
    per_second: int | None
    guessed: bool

    def words(self) -> str:
        """Return in words what the times are."""
        names = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
        return names.get(self.form, self.form) + (" (guessed)" if self.guessed else "")

    def ticks(self, moment: datetime) -> float:
        """Return a moment in this clock's numbers: an int, or what lies between two of them."""
        microseconds = (moment - EPOCH) // timedelta(microseconds=1)
        ticks = microseconds * (self.per_second or 0)
        return ticks / _MICROSECONDS if ticks % _MICROSECONDS else ticks // _MICROSECONDS

    def seconds(self, times: pl.Series) -> pl.Series:
        """Return times in seconds, whole if all are; an order stays what it is."""
        if self.per_second is None:
            return times
        if times.dtype == pl.Int64 and (self.per_second == 1 or not (times % self.per_second != 0).any()):
            return times // self.per_second
        divided = times.to_numpy() / self.per_second  # polars multiplies by the inverse, which rounds twice
        seconds = pl.Series(times.name, divided, nan_to_null=True)
        return seconds.cast(pl.Int64) if (seconds == seconds.round()).all() else seconds


class ClockReader:
    """Reads one log's times, batch by batch, and says in the end what they were."""

    def __init__(self, form: str) -> None:
        """Take one of `TIME_FORMATS` or a pattern with `%`.

        Raises:
            UsageError: no time can be read by the pattern.
        """
        if "%" in form:
            _require_pattern(form)
        self._form = form
        self._guessed = form == "auto"

    @property
    def expected(self) -> str:
        """Return in words what a time has to be."""
        if self._form == "iso":
            return "a time in ISO 8601"
        return f"a time like {self._form}" if "%" in self._form else "a number"

    def read(self, values: pl.Series) -> pl.Series:
        """Return times as int64 or float64; null where they cannot be read.

        Args:
            values: as they came: text, numbers, or dates and times.

        Raises:
            UsageError: they are dates or times already, and yet said to be written in some way.
        """
        if values.dtype.is_temporal():
            if self._form not in ("auto", "iso", "order"):
                raise UsageError(
                    f"--time-format {self._form} is for text and numbers: the times are dates already"
                )
            self._form = "order" if self._form == "order" else "iso"
            return values.cast(pl.Datetime("us")).dt.epoch("us")
        if self._form == "auto":
            self._form = "iso" if _are_mostly_text(values) else "numbers"
        if self._form == "iso":
            return _read_iso(values.cast(pl.String))
        if "%" in self._form:
            return _read_pattern(values.cast(pl.String), self._form)
        return read_numbers(values, whole=True)

    def clock(self, times: pl.Series) -> Clock:
        """Return what the times of the whole log are.

        Args:
            times: all that `read` returned, without the nulls.
        """
        form = self._form
        if form == "numbers":
            form = _guess(times)
        per_second = None if form == "order" else TIME_UNITS.get(form, _MICROSECONDS)
        return Clock(form, per_second, self._guessed)


def read_numbers(values: pl.Series, *, whole: bool = False) -> pl.Series:
    """Return finite numbers, null for what is none: float64, or int64 if `whole` asks for it and all are."""
    if values.dtype == pl.String:
        values = values.str.strip_chars()
        numbers = values.cast(pl.Int64, strict=False) if whole else values.cast(pl.Float64, strict=False)
        if whole and numbers.null_count() > values.null_count():
            floats = values.cast(pl.Float64, strict=False)
            numbers = floats if floats.null_count() < numbers.null_count() else numbers
    else:
        numbers = values.cast(pl.Int64 if whole and values.dtype.is_integer() else pl.Float64, strict=False)
    if numbers.dtype == pl.Float64:
        fine = numbers.is_finite() & (numbers.abs() < _LARGEST)
        numbers = numbers.set(~fine.fill_null(value=False), None)
    return numbers


def _are_mostly_text(values: pl.Series) -> bool:
    """Return whether more of the values can be read as ISO 8601 than as numbers."""
    if values.dtype != pl.String:
        return False
    numbers = read_numbers(values).count()
    return numbers < values.count() and _read_iso(values).count() > numbers


def units_of(times: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return the unit that each number is in by its size alone: places in `UNITS`; small ones only count."""
    return np.asarray(np.digitize(np.abs(times), _BORDERS), dtype=np.int64)


def _guess(times: pl.Series) -> str:
    middle = times.cast(pl.Float64).abs().to_frame().select(pl.all().median()).item() or 0.0
    return UNITS[int(units_of(np.asarray(middle)))]


def _read_iso(values: pl.Series) -> pl.Series:
    values = values.str.strip_chars()
    times = pl.Series(values.name, [None] * len(values), dtype=pl.Int64)
    for pattern in _PATTERNS:
        if times.null_count() == values.null_count():
            return times
        times = times.zip_with(times.is_not_null(), _read_pattern(values, pattern))
    rest = {text: _iso_ticks(text) for text in values.filter(times.is_null()).unique().to_list()}
    return times.fill_null(values.replace_strict(rest, default=None, return_dtype=pl.Int64))


def _iso_ticks(text: str | None) -> int | None:
    """Return microseconds of a time in any form of ISO 8601 that Python knows."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return (with_zone(moment) - EPOCH) // timedelta(microseconds=1)


def _require_pattern(pattern: str) -> None:
    try:
        with warnings.catch_warnings(action="error"):
            _read_pattern(pl.Series([""]), pattern)
    except (pl.exceptions.PolarsError, pl.exceptions.ChronoFormatWarning) as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(f"no time can be read by --time-format {pattern!r}: {reason}") from error


def _read_pattern(values: pl.Series, pattern: str) -> pl.Series:
    pattern = pattern.replace(".%f", "%.f")  # a fraction of a second, as Python and as polars write it
    return values.str.to_datetime(pattern, time_unit="us", strict=False).dt.epoch("us")
