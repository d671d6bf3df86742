"""Which prompt makes a small model write archetypes, and not products, lists or loops.

    python benchmarks/prompts.py [--prompts paper profile my.toml]
        [--name NAME --items I --interactions L] [--popular N]

Each prompt answers every item (or the N with most interactions) with the default model, greedily; text and
states come from one pass. Written to benchmarks/results/prompts-NAME.json:

* `distinct`: different runs of n words / all runs of n words, n = 1, 2, 3 (Li et al., NAACL 2016);
  the prime is left out. Low: everybody is told the same.
* `loops`: share of answers that the repetition guard cut; `stops`: share that came to an end by themselves.
* `copied`: mean share of an answer's runs of three words that stand in its prompt. High: it lists products.
* `auc`, `auc_matched`: of the archetype's states alone, centred, before any calibration: whether pairs of
  items that users had together are nearer than pairs that nobody had (equally popular ones for `matched`).
  `context_auc...`: the same of the prompt's states.
"""

import argparse
import gzip
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from genair.calibrate.diagnostics import Diagnostics, measure
from genair.catalogue import interactions_path, items_path
from genair.data.association import Pairs, associate
from genair.data.sequences import training_part
from genair.io.container import open_container
from genair_cli.logs import read_log
from genair_cli.options import OnErrorChoice

RESULTS = Path(__file__).parent / "results"


def ngrams(text: str, n: int) -> list[tuple[str, ...]]:
    """Return the runs of n words of a text."""
    words = text.lower().split()
    return list(zip(*(words[start:] for start in range(n)), strict=False))


def distinct(answers: Sequence[str], n: int) -> float:
    """Return distinct-n over all answers."""
    every = [run for answer in answers for run in ngrams(answer, n)]
    return len(set(every)) / max(1, len(every))


def copied(prompt: str, answer: str) -> float:
    """Return the share of an answer's word trigrams that stand in its prompt."""
    runs = ngrams(answer, 3)
    known = set(ngrams(prompt, 3))
    return sum(run in known for run in runs) / max(1, len(runs))


def agreement(path: Path, view: str, log: str) -> Diagnostics:
    """Return how far a view agrees with behaviour."""
    with open_container(path, path.name) as container:
        states, item_ids = container.read(f"views/{view}"), container.read_strings("item_ids")
    pairs = associate(training_part(read_log(log, item_ids, OnErrorChoice.SKIP).sequences))
    nothing = Pairs(pairs.rows[:0], pairs.columns[:0], pairs.scores[:0])
    return measure(states - states.mean(axis=0), nothing, pairs, seed=0)


def row_of(lines: Path, vectors: Path, log: str) -> dict[str, object]:
    """Return the figures of one prompt."""
    rows = [json.loads(line) for line in lines.read_bytes().split(b"\n") if line]
    answers = [row["archetype"].removeprefix(row["_pg"]["prime"]) for row in rows]
    reasons = [row["finish_reason"] for row in rows]
    text, context = agreement(vectors, "archetype", log), agreement(vectors, "context", log)
    figures: dict[str, float] = {
        **{f"distinct_{n}": distinct(answers, n) for n in (1, 2, 3)},
        "loops": reasons.count("loop") / len(rows),
        "stops": reasons.count("stop") / len(rows),
        "tokens": float(np.mean([row["archetype_tokens"] for row in rows])),
        "copied": float(
            np.mean([copied(row["prompt"], answer) for row, answer in zip(rows, answers, strict=True)])
        ),
        "auc": text.auc,
        "auc_matched": text.auc_matched,
        "context_auc": context.auc,
        "context_auc_matched": context.auc_matched,
    }
    return {"items": len(rows), **{name: round(value, 4) for name, value in figures.items()}}


def rows_of(path: str) -> Iterable[dict[str, object]]:
    """Yield the rows of a JSONL file."""
    with gzip.open(path) if path.endswith(".gz") else Path(path).open("rb") as lines:
        yield from map(json.loads, lines)


def popular(items: str, interactions: str, count: int, target: Path) -> str:
    """Write the items with most interactions, in the order of the file, and return the new file's path."""
    most = Counter(row["item_id"] for row in rows_of(interactions)).most_common(count)
    kept = {item_id for item_id, _ in most}
    lines = [json.dumps(row) for row in rows_of(items) if row["item_id"] in kept]
    target.write_text("\n".join(lines) + "\n")
    return str(target)


def main() -> None:
    """Write and measure with every prompt; what was written before is used again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--prompts", nargs="+", default=["paper", "profile"])
    parser.add_argument("--name", default="catalogue")
    parser.add_argument("--items", default=str(items_path()))
    parser.add_argument("--interactions", default=str(interactions_path()))
    parser.add_argument("--popular", type=int, help="only the N items with most interactions")
    parser.add_argument("--item-type", default="item")
    parser.add_argument("--work", default="genair-demo/prompts")
    given = parser.parse_args()
    work = Path(given.work) / given.name
    work.mkdir(parents=True, exist_ok=True)
    if given.popular:
        given.items = popular(given.items, given.interactions, given.popular, work / "items.jsonl")
    result = RESULTS / f"prompts-{given.name}.json"
    rows = json.loads(result.read_text()) if result.is_file() else {}
    for prompt in given.prompts:
        lines, vectors = work / f"{Path(prompt).stem}.jsonl", work / f"{Path(prompt).stem}.h5"
        if not lines.is_file():
            words = ["archetype", given.items, "--item-type", given.item_type, "--prompt", prompt]
            words += ["-o", str(lines), "--embeddings", str(vectors), "--resume"]
            subprocess.run([sys.executable, "-m", "genair_cli", *words], check=True)
        rows[Path(prompt).stem] = row_of(lines, vectors, given.interactions)
        result.write_text(json.dumps(rows, indent=1) + "\n")
        print(prompt, rows[Path(prompt).stem])


if __name__ == "__main__":
    main()
