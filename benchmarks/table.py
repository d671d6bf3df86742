"""Prints the README's table from benchmarks/results/stages-*.json.

python benchmarks/table.py
"""

import json
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
MODELS = ("id", "text, uncalibrated", "text", "text+id, uncalibrated", "text+id")
TITLES = ("ID", "text", "text, calibrated", "text + ID", "text + ID, calibrated")
STAGES = ("archetype", "embed", "calibrate", "train text+id", "eval text+id")


def main() -> None:
    """Print one table of metrics and one of costs."""
    sheets = {
        path.stem.removeprefix("stages-"): json.loads(path.read_text()) for path in RESULTS.glob("stages-*")
    }
    print("| data (users) |", " | ".join(TITLES), "|\n| --- |", " --- |" * len(TITLES))
    for name, sheet in sorted(sheets.items()):
        rows = [sheet["rows"].get(f"eval {model}") for model in MODELS]
        cells = (
            f"{row['metrics']['ndcg@10']:.4f} ± {row['ndcg_stderr']:.4f}" if row else "not measured"
            for row in rows
        )
        print(f"| {name} ({rows[0]['users']}) |", " | ".join(cells), "|")
    print(
        "\n| data |",
        " | ".join(f"{stage}, s / MiB" for stage in STAGES),
        "|\n| --- |",
        " --- |" * len(STAGES),
    )
    for name, sheet in sorted(sheets.items()):
        rows = [sheet["rows"].get(stage) for stage in STAGES]
        cells = (f"{row['seconds']:.0f} / {row['peak_mib']}" if row else "not measured" for row in rows)
        print(f"| {name} |", " | ".join(cells), "|")


if __name__ == "__main__":
    main()
