"""Times are read as they are written, exactly, and what they are is guessed by their size."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.config.importing import parse_moment
from genair.data.clock import EPOCH, UNITS, Clock, ClockReader, read_numbers, units_of
from genair.errors import UsageError

NOON = datetime(2016, 1, 30, 12, tzinfo=UTC)
SECONDS = int(NOON.timestamp())


def read(values, form="auto"):
    """Return the seconds that a log's times mean, and their clock."""
    reader = ClockReader(form)
    times = reader.read(pl.Series(values))
    clock = reader.clock(times.drop_nulls())
    return clock.seconds(times).to_list(), clock


@pytest.mark.parametrize(("unit", "ticks"), [("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)])
@pytest.mark.parametrize("kind", [int, str])
def test_the_unit_of_numbers_is_guessed_by_their_size(unit, ticks, kind):
    seconds, clock = read([kind(SECONDS * ticks), kind((SECONDS + 1) * ticks)])
    assert (clock.form, clock.per_second, clock.guessed) == (unit, ticks, True)
    assert seconds == [SECONDS, SECONDS + 1]
    assert all(type(one) is int for one in seconds)


def test_one_strange_time_does_not_change_the_guess():
    strange = [SECONDS * 10**9, -(10**6), 32_503_680_000]  # ns by mistake, 1969, the year 3000
    seconds, clock = read([*[SECONDS] * 4, *strange])
    assert clock.form == "s"
    assert seconds == [*[SECONDS] * 4, *strange]


def test_units_are_told_by_size_alone():
    times = np.array([0, -5, 99_999_999, 1e8, SECONDS, -SECONDS, SECONDS * 1e3, SECONDS * 1e6, SECONDS * 1e9])
    found = [UNITS[unit] for unit in units_of(times)]
    assert found == ["order", "order", "order", "s", "s", "s", "ms", "us", "ns"]


@pytest.mark.parametrize("values", [[1, 2, 3], ["3", "1", "2"], [1.5, 2.5], [20160130, 20160131]])
def test_small_numbers_only_order(values):
    kept, clock = read(values)
    assert (clock.form, clock.per_second) == ("order", None)
    assert kept == [float(value) for value in values]


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("2016-01-30 12:00:00", 0),
        ("2016-01-30T12:00:00", 0),
        ("2016-01-30T12:00:00Z", 0),
        (" 2016-01-30 12:00:00 ", 0),
        ("2016-01-30T14:00:00+02:00", 0),
        ("2016-01-30 04:30:00-0730", 0),
        ("2016-01-30T12:00:00.25", 250_000),
        ("2016-01-30T12:00:00.000001+00:00", 1),
        ("2016-01-30", -12 * 3600 * 10**6),
        ("2016-W04-6", -12 * 3600 * 10**6),
        ("3000-01-01", 31_049_524_800 * 10**6),
        ("1900-01-01 00:00:00", -(SECONDS + 2_208_988_800) * 10**6),
    ],
)
def test_iso_times_are_read_to_the_microsecond(text, microseconds):
    seconds, clock = read([text])
    assert clock == Clock("iso", 10**6, guessed=True)
    assert seconds == [SECONDS + microseconds / 10**6]


@given(st.lists(st.datetimes(datetime(1800, 1, 1), datetime(2500, 1, 1)), min_size=1, max_size=5))
@settings(deadline=None, max_examples=60)
def test_any_iso_time_means_what_python_says(moments):
    seconds, _ = read([moment.isoformat() for moment in moments])
    assert seconds == pytest.approx([moment.replace(tzinfo=UTC).timestamp() for moment in moments], abs=1e-5)


@pytest.mark.parametrize(
    "kind", [pl.Datetime("ns"), pl.Datetime("ms"), pl.Datetime("us", "Asia/Tokyo"), pl.Date]
)
def test_columns_of_dates_need_no_guess(kind):
    times = pl.Series([datetime(2016, 1, 30), datetime(2016, 1, 31)]).dt.replace_time_zone("UTC")
    if kind == pl.Date:
        times = times.dt.date()
    else:
        times = times.dt.convert_time_zone(kind.time_zone or "UTC").cast(kind)
    reader = ClockReader("auto")
    found = reader.read(times)
    assert reader.clock(found).seconds(found).to_list() == [SECONDS - 43200, SECONDS + 43200]


def test_dates_may_be_a_mere_order_and_are_nothing_else_that_is_written():
    times = pl.Series([datetime(2016, 1, 30), datetime(2016, 1, 31)])
    reader = ClockReader("order")
    found = reader.read(times)
    assert found[0] < found[1]
    assert reader.clock(found).per_second is None
    for form in ("s", "ns", "%Y"):
        with pytest.raises(
            UsageError, match=f"--time-format {form} is for text and numbers: the times are dates"
        ):
            ClockReader(form).read(times)


@pytest.mark.parametrize("fraction", ["25", "250000", "000001"])
def test_a_fraction_of_a_second_is_read_as_python_reads_it(fraction):
    text, form = f"30/01/2016 02:18:30.{fraction}", "%d/%m/%Y %H:%M:%S.%f"
    ticks = (datetime.strptime(text, form).replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
    assert ClockReader(form).read(pl.Series([text])).to_list() == [ticks]


@pytest.mark.parametrize("pattern", ["%S", "%d/%m/%Y %H", "%d/%m/%Y %H:%M:%S,%f"])
def test_a_pattern_that_reads_no_time_is_refused(pattern):
    with pytest.raises(UsageError, match=f"^no time can be read by --time-format '{pattern}': "):
        ClockReader(pattern)


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        ("auto", [str(SECONDS)] * 2, ["noon", "", "nan", "inf", "1e400", "2016-01-30", "0x10", "1_0"]),
        ("auto", ["2016-01-30"] * 2, ["5", "noon", "", "2016-02-30", "2016-13-01", "30/01/2016"]),
        ("%d/%m/%Y", ["30/01/2016"], ["01/30/2016", "noon", ""]),
        ("%d/%m/%Y %H:%M:%S.%f", ["30/01/2016 02:18:30.25"], ["30/01/2016", "30/01/2016 02:18:30,25"]),
        ("ms", [SECONDS * 1000.0], [float("nan"), float("inf"), None, 1e300]),
        ("iso", ["2016-01-30"], ["noon", "5"]),
    ],
)
def test_what_is_no_time_of_its_log_is_null(form, good, bad):
    reader = ClockReader(form)
    found = reader.read(pl.Series([*good, *bad], strict=False))
    assert [value is None for value in found] == [False] * len(good) + [True] * len(bad)


def test_what_the_first_batch_is_the_others_have_to_be():
    reader = ClockReader("auto")
    reader.read(pl.Series(["2016-01-30"]))
    assert reader.read(pl.Series(["5", "2016-01-31"])).is_null().to_list() == [True, False]
    assert reader.expected == "a time in ISO 8601"


def test_a_pattern_says_what_no_guess_can():
    assert read(["30.01.2016 12:00"], "%d.%m.%Y %H:%M")[0] == [SECONDS]
    assert read([20160130], "%Y%m%d")[0] == [SECONDS - 43200]


def test_parts_of_a_second_stay():
    assert read([SECONDS * 1000 + 1, SECONDS * 1000])[0] == [SECONDS + 0.001, SECONDS]
    assert read([str(SECONDS + 0.5)])[0] == [SECONDS + 0.5]


def test_whole_floats_become_whole_numbers():
    seconds, _ = read([float(SECONDS)])
    assert type(seconds[0]) is int


@given(st.integers(-(2**62), 2**62))
@settings(deadline=None, max_examples=60)
def test_whole_numbers_are_exact_however_large(number):
    for value in (number, str(number), f" {number}\t"):
        assert read_numbers(pl.Series([value]), whole=True).to_list() == [number]


@pytest.mark.parametrize(
    ("unit", "ticks"),
    [("s", SECONDS), ("ms", SECONDS * 1000), ("iso", SECONDS * 10**6), ("ns", SECONDS * 10**9)],
)
def test_a_moment_in_ticks(unit, ticks):
    per_second = {"s": 1, "ms": 10**3, "iso": 10**6, "ns": 10**9}[unit]
    assert Clock(unit, per_second, guessed=False).ticks(NOON) == ticks


def test_a_moment_between_two_ticks_lies_between_them():
    found = Clock("s", 1, guessed=False).ticks(NOON.replace(microsecond=400_000))
    assert found == float(f"{SECONDS}.4")


def test_moments_are_utc_without_an_offset_and_refused_if_they_are_none():
    assert parse_moment("--since", "2016-01-30T12:00") == NOON
    assert parse_moment("--since", "2016-01-30T14:00+02:00") == NOON
    assert parse_moment("--since", "") is None
    with pytest.raises(UsageError, match=r"^--since must be a date or a time like .*, not noon$"):
        parse_moment("--since", "noon")


@pytest.mark.parametrize(("ticks", "step"), [(10**3, 1), (10**6, 997)])
def test_parts_of_a_second_are_the_nearest_double(ticks, step):
    times = [SECONDS * ticks + step * place for place in range(1000)]
    seconds, _ = read([*times, None])
    assert seconds == [*(time / ticks for time in times), None]
