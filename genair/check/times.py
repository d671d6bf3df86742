"""What the timestamps of a log are worth."""

import time

import numpy as np

from genair.check.findings import NOWHERE, Places, one_place
from genair.check.log import Log
from genair.config.importing import TIME_UNITS
from genair.data.clock import UNITS, units_of
from genair.data.summary import words_on_ties
from genair.data.timesplit import split_by_time
from genair.errors import InputError

_ORDER = 0
_DAY_S = 86_400


def bad_times(log: Log) -> Places:
    """Find timestamps that are no numbers."""
    return log.bad_times.places


def missing_times(log: Log) -> Places:
    """Find the lines with a timestamp where most have none, or without where most have one."""
    untimed = log.untimed
    without = int(untimed.sum())
    others = len(log) - without
    if not without or not others:
        return NOWHERE
    rows, words = untimed, f"no timestamp here, but on {others} other lines"
    if without > others:
        rows, words = ~untimed, f"a timestamp here, but none on {without} other lines"
    return log.lines.at(rows, lambda _: f"{words}: all lines have one or none has")


def ties(log: Log) -> Places:
    """Find that many neighbouring events have equal times."""
    words = words_on_ties(log.sequences.ties)
    return one_place(log.lines.name, words) if words else NOWHERE


def no_time_split(log: Log) -> Places:
    """Find that the log cannot be split by time."""
    if log.untimed.any() != log.untimed.all() or log.bad_times.places.count:
        return NOWHERE
    try:
        split_by_time(log.sequences)
    except InputError as error:
        return one_place(log.lines.name, error.message)
    return NOWHERE


def mixed_units(log: Log) -> Places:
    """Find times in another unit than most."""
    if not log.timed:
        return NOWHERE
    units = units_of(log.times)
    usual = _usual_unit(log)
    if usual == _ORDER:
        return NOWHERE
    return log.lines.at(
        (units != usual) & (units != _ORDER),
        lambda row: (
            f"timestamp {log.times[row]} looks like {UNITS[units[row]]}, most others like {UNITS[usual]}"
        ),
    )


def odd_times(log: Log) -> Places:
    """Find times before 1973 and after tomorrow, where most are of a calendar."""
    usual = _usual_unit(log) if log.timed else _ORDER
    if usual == _ORDER:
        return NOWHERE
    units = units_of(log.times)
    latest = (time.time() + _DAY_S) * TIME_UNITS[UNITS[usual]]
    early = (units == _ORDER) | (log.times < 0)
    odd = early | ((units == usual) & (log.times > latest))
    return log.lines.at(
        odd,
        lambda row: f"timestamp {log.times[row]} lies {'before 1973' if early[row] else 'in the future'}",
    )


def _usual_unit(log: Log) -> int:
    return int(units_of(np.median(np.abs(log.times))))
