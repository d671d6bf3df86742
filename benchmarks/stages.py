"""Time, peak memory and metrics of every stage on one data set, and whether a second run repeats its bytes.

    python benchmarks/stages.py                                   # the embedded catalogue
    python benchmarks/stages.py --name ml-100k --items items.jsonl.gz --interactions log.jsonl.gz \
        --item-type movie --recipe ml-100k --work FOLDER [--fused]

With `--fused` text and vectors come from one pass, which goes on where a killed one stopped (its time is then
that of the last part).
Results go to benchmarks/results/stages-NAME.json, a row as soon as a command is done. Rows that are there and
whose output still lies in the work folder are not measured again, so a run can be killed and resumed.
Memory is the largest single process of the command (workers are processes of their own).
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from sheet import RESULTS, Row, Sheet

from genair.catalogue import interactions_path, items_path

MODELS = {
    "id": ("id", "emb.h5"),
    "text": ("text", "cal.h5"),
    "text+id": ("text+id", "cal.h5"),
    "text, uncalibrated": ("text", "emb.h5"),
    "text+id, uncalibrated": ("text+id", "emb.h5"),
}


def measure(words: list[str], folder: Path, into: Path | None) -> Row:
    """Run one command in a process that dies with it, so that its peak memory is its own."""
    start = time.perf_counter()
    code = "import sys; from genair_cli.main import run; sys.argv[0] = 'genair'; run()"
    with open(into or os.devnull, "wb") as sink:  # noqa: PTH123
        process = subprocess.Popen([sys.executable, "-c", code, *words], cwd=folder, stdout=sink)
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    if status != 0:
        sys.exit(f"genair {' '.join(words)} failed")
    cpu = usage.ru_utime + usage.ru_stime
    return {"seconds": round(wall, 2), "cpu_seconds": round(cpu, 2), "peak_mib": usage.ru_maxrss // 1024}


class Stages(Sheet):
    """The rows of one data set, a command each, whose outputs lie in a folder."""

    def __init__(self, name: str, recipe: str, work: Path) -> None:
        """Read what is there."""
        super().__init__(RESULTS / f"stages-{name}.json", {"recipe": recipe})
        self.work = work

    def run(self, title: str, words: list[str], output: str, *, into: bool = False) -> None:
        """Measure a command unless its row and its output are there."""
        if not (self.work / output).is_file():
            self.rows.pop(title, None)
        words = words if into else [*words, "-o", output, "--resume" if "--resume" in words else "--force"]
        self.measure(title, lambda: measure(words, self.work, self.work / output if into else None))

    def note(self, title: str, **values: object) -> None:
        """Add values to a row."""
        self.rows.setdefault(title, {}).update(values)
        self.save()


def write_vectors(sheet: Stages, round_: str, items: str, given: argparse.Namespace) -> None:
    """Measure what the language model does."""
    words = ["archetype", items, "--item-type", given.item_type]
    arch, emb = f"{round_}arch.jsonl", f"{round_}emb.h5"
    if given.fused:
        sheet.run(f"{round_}archetype and embed", [*words, "--embeddings", emb, "--resume"], arch)
    else:
        sheet.run(f"{round_}archetype", words, arch)
        sheet.run(f"{round_}embed", ["embed", arch], emb)


def main() -> None:
    """Measure everything once, then repeat what is asked for and compare bytes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default="catalogue")
    parser.add_argument("--items", default=str(items_path()))
    parser.add_argument("--interactions", default=str(interactions_path()))
    parser.add_argument("--item-type", default="item")
    parser.add_argument("--recipe", default="", help="of training")
    parser.add_argument("--work", default="genair-demo/bench")
    parser.add_argument("--fused", action="store_true", help="text and vectors in one pass")
    parser.add_argument(
        "--repeat", choices=["all", "models", "none"], default="models", help="what runs twice"
    )
    given = parser.parse_args()
    work = Path(given.work) / given.name
    work.mkdir(parents=True, exist_ok=True)
    items, log = str(Path(given.items).resolve()), str(Path(given.interactions).resolve())
    sheet = Stages(given.name, given.recipe, work)
    how = ["--recipe", given.recipe] if given.recipe else []
    for round_ in ("", "again-") if given.repeat != "none" else ("",):
        if not round_ or given.repeat == "all":
            write_vectors(sheet, round_, items, given)
        sheet.run(f"{round_}calibrate", ["calibrate", "emb.h5", "-i", log], f"{round_}cal.h5")
        for title, (mode, vectors) in MODELS.items():
            model = f"{round_}{title.replace(', ', '-')}.h5"
            sheet.run(f"{round_}train {title}", ["train", vectors, "-i", log, "--items", mode, *how], model)
            rows = model.replace(".h5", ".jsonl")
            sheet.run(f"{round_}eval {title}", ["eval", model, "-i", log], rows, into=True)
            if not round_:
                found = [json.loads(line) for line in (work / rows).read_text().split("\n") if line]
                metrics = {f"{row['metric']}@{row['k']}": round(row["value"], 4) for row in found}
                error = next(row["stderr"] for row in found if (row["metric"], row["k"]) == ("ndcg", 10))
                sheet.note(
                    f"eval {title}", metrics=metrics, ndcg_stderr=round(error, 4), users=found[0]["users"]
                )
    pairs = [
        (path, work / f"again-{path.name}") for path in sorted(work.iterdir()) if path.name[:6] != "again-"
    ]
    same = {one.name: one.read_bytes() == two.read_bytes() for one, two in pairs if two.is_file()}
    diagnostics = subprocess.run(
        [sys.executable, "-m", "genair_cli", "info", "cal.h5"], cwd=work, capture_output=True, check=True
    )
    sheet.note("calibrate", diagnostics=json.loads(diagnostics.stdout)["diagnostics"])
    sheet.note("same bytes on a second run", **same)
    print(json.dumps(sheet.rows, indent=1))


if __name__ == "__main__":
    main()
