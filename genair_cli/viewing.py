"""How viewers show their rows: a table on a terminal, JSON lines anywhere else."""

import sys
from collections.abc import Iterable, Sequence

from genair.io.jsonl import Row
from genair_cli.console import console
from genair_cli.streams import Sink


def wants_json(json: bool) -> bool:
    """Return whether rows go out as JSON lines."""
    return json or not sys.stdout.isatty()


def write_rows(rows: Iterable[Row]) -> None:
    """Write JSON lines to stdout."""
    sink = Sink(sys.stdout.buffer)
    for row in rows:
        sink.write(row)


def show_metrics(rows: Sequence[Row], *, json: bool) -> None:
    """Show metric rows: one line a group and cutoff, one column a metric."""
    if wants_json(json):
        write_rows(rows)
        return
    metrics = list(dict.fromkeys(row["metric"] for row in rows))
    lines: dict[tuple[str, int, int], dict[str, str]] = {}
    for row in rows:
        line = lines.setdefault((row["group"], row["users"], row["k"]), {})
        line[row["metric"]] = f"{row['value']:.4f}"
    headings = ("group", "users", "k", *metrics)
    console.table(
        headings,
        (
            (group, str(users), str(k), *(line[m] for m in metrics))
            for (group, users, k), line in lines.items()
        ),
    )
