"""Prints the tables of README and docs from results/, or puts them where a page names them.

    python benchmarks/table.py                          # all
    python benchmarks/table.py docs/results.md          # between <!-- table: NAME --> and <!-- end -->

Means are over seeds; how many there are stands in brackets where not all are there yet.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
SEEDS = 3
Row = Mapping[str, Any]
Lines = list[str]
TABLES: dict[str, Callable[[], Lines]] = {}


def table(name: str) -> Callable[[Callable[[], Lines]], Callable[[], Lines]]:
    """Register what makes a table."""

    def register(make: Callable[[], Lines]) -> Callable[[], Lines]:
        TABLES[name] = make
        return make

    return register


def sheets(kind: str) -> dict[str, Any]:
    """Return what lies in results/KIND-NAME.json, by NAME."""
    return {
        path.stem[len(kind) + 1 :]: json.loads(path.read_text()) for path in RESULTS.glob(f"{kind}-*.json")
    }


def drawn(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Lines:
    """Return a table's lines."""
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows)]


def mean(rows: Sequence[Row], name: str) -> float:
    """Return the mean of a figure over rows."""
    return float(sum(row[name] for row in rows) / len(rows))


def told(rows: Sequence[Row], *names: str) -> str:
    """Return the means of figures over rows, and how many rows if some are missing."""
    if not rows:
        return ""
    figures = " / ".join(f"{mean(rows, name):.4f}".removeprefix("0") for name in names)
    return figures if len(rows) >= SEEDS else f"{figures} [{len(rows)}]"


def grouped(rows: Mapping[str, Row]) -> dict[str, list[Row]]:
    """Return rows by what stands before the last slash of their titles, the seed behind it."""
    groups: dict[str, list[Row]] = {}
    for title, row in rows.items():
        groups.setdefault(title.rpartition("/")[0] or title, []).append(row)
    return groups


@table("stages")
def stages() -> Lines:
    """Return what each stage takes, and what trained models reach on the way."""
    names = ("archetype", "embed", "archetype and embed", "calibrate", "train text+id", "eval text+id")
    rows = []
    for data, sheet in sorted(sheets("stages").items()):
        found = [sheet["rows"].get(name) for name in names]
        rows.append([data, *(f"{row['seconds']:.0f} / {row['peak_mib']}" if row else "" for row in found)])
    return drawn(["", *(f"{name}, s / MiB" for name in names)], rows)


@table("llm")
def llm() -> Lines:
    """Return the language model's rates, fastest first, and how many times genair's each is."""
    rows = json.loads((RESULTS / "llm.json").read_text())["rows"]
    writing = {name: row["tokens"] / row["seconds"] for name, row in rows.items() if "embed" not in name}
    reading = {name: row["items"] / row["seconds"] for name, row in rows.items() if "embed" in name}
    lines = []
    for unit, rates in (("tokens/s", writing), ("items/s", reading)):
        own = next(rate for name, rate in rates.items() if name.startswith("genair"))
        ordered = sorted(rates.items(), key=lambda pair: -pair[1])
        found = (
            [name, f"{rate:.3g}", "" if rate == own else f"{own / rate:.2f} x"] for name, rate in ordered
        )
        lines += [*drawn(["", unit, "genair is"], found), ""]
    return lines[:-1]


@table("prompts")
def prompts() -> Lines:
    """Return what each prompt's archetypes are like."""
    titles = ("auc", "auc_matched", "distinct_3", "copied", "loops", "stops")
    lines = []
    for data, rows in sorted(sheets("prompts").items()):
        ordered = sorted(rows.items(), key=lambda pair: -pair[1]["auc_matched"])
        items = max(row["items"] for row in rows.values())
        found = ([name, *(f"{row[title]:.3f}" for title in titles)] for name, row in ordered)
        lines += [*drawn([f"{data} ({items} items)", *titles], found), ""]
    return lines[:-1]


@table("calibration")
def calibration() -> Lines:
    """Return what each calibration is worth untrained, best on validation events first."""
    head = ["matched AUC", "effective rank", "kept", "valid", "NDCG@10 (p)", "tail", "s"]
    lines = []
    for data, sheet in sorted(sheets("calibration").items()):
        groups = grouped(sheet["rows"])
        ordered = sorted(groups.items(), key=lambda pair: -mean(pair[1], "valid_ndcg"))
        lines += [*drawn([data, *head], ([title, *untrained(rows)] for title, rows in ordered)), ""]
    return lines[:-1]


def untrained(rows: Sequence[Row]) -> list[str]:
    """Return the cells of one calibration."""
    space = [change(rows, name, form) for name, form in _SPACE]
    p = max(row.get("p", 1.0) for row in rows)
    worth = told(rows, "test_ndcg") + ("" if p == 1 else f" ({p:.0e})")
    cost = f"{mean(rows, 'seconds'):.0f}" if all("seconds" in row for row in rows) else ""
    return [*space, told(rows, "valid_ndcg"), worth, told(rows, "tail_ndcg"), cost]


_SPACE = (("auc_matched", ".3f"), ("effective_rank", ".0f"), ("neighbours_kept", ".2f"))


def change(rows: Sequence[Row], name: str, form: str) -> str:
    """Return a measure before and after, means over rows; one figure where nothing was changed."""
    moments = [moment for moment in ("before", "after") if all(moment in row for row in rows)]
    if name == "neighbours_kept":
        moments = moments[1:]
    means = (sum(row[moment][name] for row in rows) / len(rows) for moment in moments)
    return " → ".join(format(value, form) for value in means)


@table("training")
def training() -> Lines:
    """Return what trained models reach, by what they know of items and by the share of the users."""
    lines = []
    for data, sheet in sorted(sheets("training").items()):
        groups = grouped(sheet["rows"])
        shares = sorted({title.rpartition("/")[2] for title in groups}, key=float, reverse=True)
        names = sorted({title.rpartition("/")[0] for title in groups}, key=parts_of)
        figures = ("ndcg", "hr", "tail_ndcg")
        rows = ([name, *(told(groups.get(f"{name}/{s}", []), *figures) for s in shares)] for name in names)
        head = [data, *(f"{float(share):.0%} of the users" for share in shares)]
        lines += [*drawn(head, rows), ""]
    return lines[:-1]


def parts_of(name: str) -> list[str]:
    """Return what a name consists of: models sorted by it stand together that know the same of items."""
    return re.split(", | - ", name)


@table("gains")
def gains() -> Lines:
    """Return what trained models gain from calibration, and whether it is chance."""
    lines = []
    for data, sheet in sorted(sheets("training").items()):
        shares = sorted({pair.rpartition("/")[2] for pair in sheet["compared"]}, key=float, reverse=True)
        rows = []
        for name in sorted({pair.rpartition("/")[0] for pair in sheet["compared"]}, key=parts_of):
            found = (sheet["compared"].get(f"{name}/{share}") for share in shares)
            rows.append([name, *(f"{one['gain']:+.4f} ({one['p']:.0e})" if one else "" for one in found)])
        if rows:
            lines += [*drawn([data, *(f"{float(share):.0%}" for share in shares)], rows), ""]
    return lines[:-1]


@table("tuning")
def tuning() -> Lines:
    """Return what each backbone's trials reach on validation events."""
    lines = []
    for data, sheet in sorted(sheets("tuning").items()):
        found = {tuple(title.split(", ", 1)): row for title, row in sheet["rows"].items()}
        backbones = list(dict.fromkeys(backbone for backbone, _ in found))
        trials = dict.fromkeys(trial for _, trial in found)
        rows = ([trial, *(tried(found.get((one, trial))) for one in backbones)] for trial in trials)
        lines += [*drawn([data, *backbones], rows), ""]
    return lines[:-1]


def tried(row: Row | None) -> str:
    """Return the cell of one trial."""
    return f"{row['valid_ndcg']:.4f} ({row['best']} of {row['epochs']})".removeprefix("0") if row else ""


@table("cold")
def cold() -> Lines:
    """Return where items are ranked that came too late."""
    rows = []
    for data, sheet in sorted(sheets("cold").items()):
        events = sum(seed["events asked"] for seed in sheet.values())
        kinds = dict.fromkeys(kind for seed in sheet.values() for kind, row in seed.items() if is_row(row))
        for kind in kinds:
            cells = []
            for vectors in ("own", "dealt anew"):
                found = [seed[kind][vectors] for seed in sheet.values() if kind in seed]
                cells += [told(found, name) for name in ("ndcg", "hr", "percentile")]
            rows.append([f"{data} ({events} events)", kind, *cells])
    head = ["NDCG@10", "HR@10", "percentile"]
    return drawn(["", "ranked by", *head, *(f"{name}, dealt anew" for name in head)], rows)


def is_row(row: object) -> bool:
    """Return whether this is figures and not a number of something."""
    return isinstance(row, dict)


@table("speed")
def speed() -> Lines:
    """Return what training and ranking take: beside peers, in the paper's setting, by loss, by size."""
    lines = []
    for kind in ("peers", "paper", "train-losses", "scaling", "train-eval"):
        for data, sheet in sorted(sheets(kind).items()):
            keys = list(dict.fromkeys(key for row in sheet["rows"].values() for key in row))
            rows = ([title, *(str(row.get(key, "")) for key in keys)] for title, row in sheet["rows"].items())
            lines += [*drawn([f"{kind}-{data}", *keys], rows), ""]
    return lines[:-1]


def filled(page: str) -> str:
    """Return a page with the tables that it names made anew."""
    return re.sub(
        r"(<!-- table: ([a-z-]+) -->\n).*?(\n<!-- end -->)",
        lambda found: found[1] + "\n".join(TABLES[found[2]]()) + found[3],
        page,
        flags=re.DOTALL,
    )


def main() -> None:
    """Print all tables, or fill pages."""
    for name in sys.argv[1:]:
        Path(name).write_text(filled(Path(name).read_text()))
    if not sys.argv[1:]:
        for make in TABLES.values():
            print("\n".join(make()), end="\n\n")


if __name__ == "__main__":
    main()
