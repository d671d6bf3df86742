"""The list by the door: everything that is looked for, in the order in which it is told."""

from collections.abc import Sequence

from genair.check import belonging, catalogue, events, histories, lines, repeats, times, vectors
from genair.check.catalogue import Catalogue
from genair.check.findings import Level, Rule
from genair.check.lines import JsonLines
from genair.check.log import Log
from genair.check.stored import Stored

_ERROR, _WARNING, _NOTE = Level.ERROR, Level.WARNING, Level.NOTE

OF_LINES: Sequence[Rule[JsonLines]] = (
    Rule("damaged-gzip", _ERROR, lines.damaged),
    Rule("empty-file", _ERROR, lines.empty),
    Rule("broken-line", _ERROR, lines.broken),
    Rule("byte-order-mark", _NOTE, lines.byte_order_mark),
    Rule("carriage-return", _NOTE, lines.carriage_returns),
    Rule("blank-line", _NOTE, lines.blank_lines),
)

OF_ITEMS: Sequence[Rule[Catalogue]] = (
    Rule("bad-id", _ERROR, catalogue.bad_ids),
    Rule("duplicate-item", _ERROR, catalogue.duplicates),
    Rule("single-item", _ERROR, catalogue.single_item),
    Rule("no-text", _ERROR, catalogue.without_text),
    Rule("same-text", _WARNING, catalogue.same_text),
    Rule("no-name", _WARNING, catalogue.without_name),
    Rule("spaced-id", _WARNING, catalogue.spaced_ids),
    Rule("lookalike-id", _WARNING, catalogue.lookalike_ids),
    Rule("cut-text", _NOTE, catalogue.cut_texts),
    Rule("html-text", _NOTE, catalogue.html_texts),
)

OF_LINES_OF_LOGS: Sequence[Rule[Log]] = (
    Rule("bad-id", _ERROR, events.bad_ids),
    Rule("bad-time", _ERROR, times.bad_times),
)

OF_EVENTS: Sequence[Rule[Log]] = (
    Rule("missing-time", _ERROR, times.missing_times),
    Rule("unknown-item", _ERROR, events.unknown_items),
    Rule("no-split", _ERROR, histories.not_split),
    Rule("nothing-to-learn", _ERROR, histories.not_trained),
    Rule("nothing-to-calibrate", _ERROR, histories.not_calibrated),
    Rule("not-compared", _WARNING, events.not_compared),
    Rule("ties", _WARNING, times.ties),
    Rule("no-time-split", _WARNING, times.no_time_split),
    Rule("mixed-units", _WARNING, times.mixed_units),
    Rule("odd-time", _WARNING, times.odd_times),
    Rule("same-event", _WARNING, repeats.same_events),
    Rule("repeat-in-a-row", _WARNING, repeats.runs),
    Rule("dominant-user", _WARNING, histories.dominant_users),
    Rule("spaced-id", _WARNING, events.spaced_users),
    Rule("lookalike-id", _WARNING, events.lookalike_users),
    Rule("repeated-pair", _NOTE, repeats.repeated_pairs),
    Rule("short-user", _NOTE, histories.short_users),
    Rule("cold-item", _NOTE, histories.cold_items),
    Rule("few-negatives", _NOTE, histories.few_negatives),
)

OF_FILES: Sequence[Rule[Stored]] = (
    Rule("damaged-file", _ERROR, vectors.damaged),
    Rule("not-finite", _ERROR, vectors.not_finite),
    Rule("zero-vector", _ERROR, vectors.zero_vectors),
    Rule("no-difference", _ERROR, vectors.no_difference),
    Rule("collapsed", _ERROR, vectors.collapsed),
    Rule("no-row", _ERROR, belonging.items_without_row),
    Rule("left-out-item", _WARNING, belonging.left_out_items),
    Rule("foreign-row", _WARNING, belonging.rows_without_item),
    Rule("equal-vectors", _WARNING, vectors.equal_vectors),
    Rule("other-log", _WARNING, belonging.other_log),
    Rule("other-vectors", _WARNING, belonging.other_vectors),
)

UNREADABLE = "unreadable-file"
