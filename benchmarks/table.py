"""Prints the README's tables from benchmarks/results/stages-*.json, llm.json and prompts-*.json.

python benchmarks/table.py
"""

import json
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
MODELS = ("id", "text, uncalibrated", "text", "text+id, uncalibrated", "text+id")
TITLES = ("ID", "text", "text, calibrated", "text + ID", "text + ID, calibrated")
STAGES = ("archetype", "embed", "archetype and embed", "calibrate", "train text+id", "eval text+id")


def stages() -> None:
    """Print one table of metrics and one of costs."""
    sheets = {
        path.stem.removeprefix("stages-"): json.loads(path.read_text()) for path in RESULTS.glob("stages-*")
    }
    print("| data (users) |", " | ".join(TITLES), "|\n| --- |", " --- |" * len(TITLES))
    for name, sheet in sorted(sheets.items()):
        rows = [sheet["rows"].get(f"eval {model}") for model in MODELS]
        if not any(rows):
            continue
        cells = (
            f"{row['metrics']['ndcg@10']:.4f} ± {row['ndcg_stderr']:.4f}" if row else "not measured"
            for row in rows
        )
        users = max(row["users"] for row in rows if row)
        print(f"| {name} ({users}) |", " | ".join(cells), "|")
    print(
        "\n| data |",
        " | ".join(f"{stage}, s / MiB" for stage in STAGES),
        "|\n| --- |",
        " --- |" * len(STAGES),
    )
    for name, sheet in sorted(sheets.items()):
        rows = [sheet["rows"].get(stage) for stage in STAGES]
        cells = (f"{row['seconds']:.0f} / {row['peak_mib']}" if row else "-" for row in rows)
        print(f"| {name} |", " | ".join(cells), "|")


def llm() -> None:
    """Print the language model's rates, fastest first, and how many times genair's each is."""
    rows = json.loads((RESULTS / "llm.json").read_text())["rows"]
    writing = {name: row["tokens"] / row["seconds"] for name, row in rows.items() if "embed" not in name}
    reading = {name: row["items"] / row["seconds"] for name, row in rows.items() if "embed" in name}
    for unit, rates in (("tokens/s", writing), ("items/s", reading)):
        own = next(rate for name, rate in rates.items() if name.startswith("genair"))
        print(f"\n| | {unit} | genair is |\n| --- | --- | --- |")
        for name, rate in sorted(rates.items(), key=lambda pair: -pair[1]):
            print(f"| {name} | {rate:.3g} | {'' if rate == own else f'{own / rate:.2f} x'} |")


def prompts() -> None:
    """Print what each prompt's archetypes are like."""
    titles = ("auc", "auc_matched", "distinct_3", "copied", "loops", "stops")
    for path in sorted(RESULTS.glob("prompts-*")):
        rows = json.loads(path.read_text())
        items = {row["items"] for row in rows.values()}
        print(f"\n| {path.stem.removeprefix('prompts-')} ({items.pop()} items) |", " | ".join(titles), "|")
        print("| --- |", " --- |" * len(titles))
        for name, row in sorted(rows.items(), key=lambda pair: -pair[1]["auc_matched"]):
            print(f"| {name} |", " | ".join(f"{row[title]:.3f}" for title in titles), "|")


def main() -> None:
    """Print all tables."""
    stages()
    llm()
    prompts()


if __name__ == "__main__":
    main()
