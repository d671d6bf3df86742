"""How viewers show their rows: a table on a terminal, JSON lines anywhere else."""

import sys
from collections.abc import Iterable, Sequence

from genair.io.jsonl import Row, writable
from genair_cli.console import console
from genair_cli.streams import Sink


def wants_json(json: bool) -> bool:
    """Return whether rows go out as JSON lines."""
    return json or not sys.stdout.isatty()


def write_rows(rows: Iterable[Row]) -> None:
    """Write JSON lines to stdout; what is not UTF-8 in the name of a file is replaced."""
    sink = Sink(sys.stdout.buffer)
    for row in rows:
        sink.write({key: _writable(value) for key, value in row.items()})


def _writable(value: object) -> object:
    match value:
        case str():
            return writable(value)
        case list():
            return [_writable(part) for part in value]
        case dict():
            return {key: _writable(part) for key, part in value.items()}
    return value


def show_metrics(rows: Sequence[Row], *, json: bool) -> None:
    """Show metric rows: a line a group and cutoff, a column a metric, a table for metrics of like groups.

    A cell is the value and half its 95 % interval, or the value, its difference from another model's, and p.
    """
    if wants_json(json):
        write_rows(rows)
        return
    groups: dict[str, list[str]] = {}
    for row in rows:
        groups.setdefault(row["metric"], []).append(row["group"])
    for of_like in dict.fromkeys(map(tuple, groups.values())):
        _show_table([row for row in rows if tuple(groups[row["metric"]]) == of_like])


def _show_table(rows: Sequence[Row]) -> None:
    metrics = list(dict.fromkeys(row["metric"] for row in rows))
    lines: dict[tuple[str, int, int], dict[str, str]] = {}
    for row in rows:
        lines.setdefault((row["group"], row["users"], row["k"]), {})[row["metric"]] = _cell(row)
    console.table(
        ("group", "users", "k", *metrics),
        (
            (group, str(users), str(k), *(line[metric] for metric in metrics))
            for (group, users, k), line in lines.items()
        ),
    )


def _cell(row: Row) -> str:
    words = [f"{row['value']:.4f}"]
    if "against" in row:
        words.append(f"{row['difference']:+.4f}".replace("+0.", "+.").replace("-0.", "-."))
        words += [] if row["p"] is None else [_p_value(row["p"])]
    elif row["ci_low"] is not None:
        words.append(f"±{(row['ci_high'] - row['ci_low']) / 2:.4f}")
    return " ".join(words)


def _p_value(p: float) -> str:
    return "<.001" if p < 0.001 else f"{p:.3f}".removeprefix("0")[:4]
