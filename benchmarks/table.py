"""Prints the tables of README and docs from results/: stages, llm, prompts, calibration, training and speed.

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


def calibration() -> None:
    """Print what each calibration is worth, means over seeds, best for recommendation first."""
    for path in sorted(RESULTS.glob("calibration-*")):
        groups: dict[str, list[dict]] = {}
        for title, row in json.loads(path.read_text())["rows"].items():
            groups.setdefault(title.partition("/")[0], []).append(row)
        print(f"\n| {path.stem.removeprefix('calibration-')} | matched AUC | effective rank | kept |", end="")
        print(" NDCG@10, untrained (p) | tail | s | seeds |\n| --- |", " --- |" * 7)
        for title, rows in sorted(groups.items(), key=lambda pair: -mean(pair[1], "valid_ndcg")):
            told = [change(rows, name, form) for name, form in _SPACE]
            p = max(row.get("p", 1.0) for row in rows)
            worth = f"{mean(rows, 'test_ndcg'):.4f} ({'-' if p == 1 else f'{p:.0e}'})"
            cost = f"{mean(rows, 'seconds'):.0f}" if "seconds" in rows[0] else "-"
            print(f"| {title} |", " | ".join([*told, worth, f"{mean(rows, 'tail_ndcg'):.4f}", cost]), end="")
            print(f" | {len(rows)} |")


def training() -> None:
    """Print what trained models gain from calibrated vectors, means over seeds, and whether it is chance."""
    for path in sorted(RESULTS.glob("training-*")):
        sheet = json.loads(path.read_text())
        shares = sorted({key.split("/")[1] for key in sheet["rows"]}, key=float, reverse=True)
        names = list(dict.fromkeys(key.split("/")[0] for key in sheet["rows"]))
        print(
            f"\n| {path.stem.removeprefix('training-')} |",
            " | ".join(f"{float(s):.0%}: NDCG@10, HR@10, tail" for s in shares),
            "|",
        )
        print("| --- |", " --- |" * len(shares))
        for name in names:
            print(f"| {name} |", " | ".join(trained(sheet["rows"], name, share) for share in shares), "|")
        print(
            "\n| difference |",
            " | ".join(f"{float(s):.0%} (p)" for s in shares),
            "|\n| --- |",
            " --- |" * len(shares),
        )
        for pair in dict.fromkeys(key.rpartition("/")[0] for key in sheet["compared"]):
            found = [sheet["compared"].get(f"{pair}/{share}") for share in shares]
            print(
                f"| {pair} |",
                " | ".join(f"{f['gain']:+.4f} ({f['p']:.0e})" if f else "-" for f in found),
                "|",
            )


def trained(rows: dict[str, dict], name: str, share: str) -> str:
    """Return NDCG@10, HR@10 and NDCG@10 of tail items, means over seeds, and how many seeds."""
    found = [row for key, row in rows.items() if key.startswith(f"{name}/{share}/")]
    means = ", ".join(f"{mean(found, metric):.4f}" for metric in ("ndcg", "hr", "tail_ndcg")) if found else ""
    return f"{means} [{len(found)}]" if found else "-"


_SPACE = (("auc_matched", ".3f"), ("effective_rank", ".0f"), ("neighbours_kept", ".2f"))


def change(rows: list[dict], name: str, form: str) -> str:
    """Return a measure before and after, means over rows; one figure where nothing was changed."""
    moments = [moment for moment in ("before", "after") if all(moment in row for row in rows)]
    if name == "neighbours_kept":
        moments = moments[1:]
    means = (sum(row[moment][name] for row in rows) / len(rows) for moment in moments)
    return " → ".join(format(value, form) for value in means) or "-"


def speed() -> None:
    """Print what training and ranking take: beside peers, in the paper's setting, by loss, by size."""
    for kind in ("peers", "paper", "train-losses", "scaling", "train-eval"):
        for path in sorted(RESULTS.glob(f"{kind}-*.json")):
            rows = json.loads(path.read_text())["rows"]
            keys = list(dict.fromkeys(key for row in rows.values() for key in row))
            print(f"\n| {path.stem} |", " | ".join(keys), "|\n| --- |", " --- |" * len(keys))
            for title, row in rows.items():
                print(f"| {title} |", " | ".join(str(row.get(key, "")) for key in keys), "|")


def mean(rows: list[dict], name: str) -> float:
    """Return the mean of a figure over rows."""
    return sum(row[name] for row in rows) / len(rows)


def main() -> None:
    """Print all tables."""
    stages()
    llm()
    prompts()
    calibration()
    training()
    speed()


if __name__ == "__main__":
    main()
