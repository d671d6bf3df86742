"""Cost against data: an epoch, validation and peak memory, to 4 times the users and 16 times the items.

    python benchmarks/scaling.py beauty interactions.jsonl.gz [--plot scaling.svg]
        [--users 0.02 --results FOLDER]

More users are copies of the log's under new ids; more items are copies of each item, among which its events
are spread at random, so the number of events stays. SASRec with an id table and sampled softmax (1,024
negatives a step), 64 wide, 50 events, batches of 128. Training ought to be linear in users and no worse than
linear in items; validation ranks every item for every user, which is the product of both. Each row is a
process of its own; the fastest of two epochs counts. The exponents printed are those of the power laws
between the smallest and the largest: 1 is linear.

Writes scaling-NAME.json into benchmarks/results, or into --results for a trial with a share of the users. The
plot needs matplotlib.
"""

import argparse
import json
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
from histories import read_histories
from sheet import RESULTS, Row, Sheet, alone

from genair.config import TrainConfig
from genair.data.sequences import Sequences, Split, leave_two_out
from genair.evaluate.ranking import rank_targets
from genair.models.base import build_recommender
from genair.train.learner import Learner

CONFIG = TrainConfig(items="id", loss="sampled-ce")
EPOCHS = 2
TIMES = [(1, 1), (2, 1), (4, 1), (1, 4), (1, 16)]  # users, items
AXES = {"users": [(1, 1), (2, 1), (4, 1)], "items": [(1, 1), (1, 4), (1, 16)]}
MEASURES = {
    "seconds": "seconds of an epoch",
    "cpu_seconds": "its CPU seconds",
    "valid_s": "seconds of validation",
    "peak_mib": "peak MiB",
}


def grown(sequences: Sequences, users: int, items: int) -> Sequences:
    """Return a log of so many times the users and the items."""
    copies = np.tile(sequences.items, users)
    spread = np.random.default_rng(0).integers(0, items, len(copies))
    lengths = np.tile(sequences.lengths(), users)
    return Sequences(
        [f"{user_id}/{copy}" for copy in range(users) for user_id in sequences.user_ids],
        np.concatenate([[0], np.cumsum(lengths)]),
        (copies - 1) * items + spread + 1,
        sequences.n_items * items,
    )


def measure(split: Split) -> Row:
    """Train and validate."""
    torch.manual_seed(CONFIG.seed)
    model = build_recommender(CONFIG, split.train.n_items, None)
    learner, seconds, cpu_seconds = Learner(model, split.train, CONFIG), [], []
    for _ in range(EPOCHS):
        start, cpu = time.perf_counter(), time.process_time()
        learner.epoch()
        seconds.append(time.perf_counter() - start)
        cpu_seconds.append(time.process_time() - cpu)
    start = time.perf_counter()
    rank_targets(model.eval().scorer(), split.valid, CONFIG.max_length)
    return {
        "users": len(split.train),
        "items": split.train.n_items,
        "events": len(split.train.items),
        "seconds": round(min(seconds), 2),
        "cpu_seconds": round(min(cpu_seconds), 2),
        "valid_s": round(time.perf_counter() - start, 2),
    }


def title_of(users: int, items: int) -> str:
    """Return the title of a row."""
    return f"{users} x users, {items} x items"


def exponents(rows: dict[str, Row]) -> Row:
    """Return each measure's power law along both axes."""
    found = {}
    for axis, times in AXES.items():
        first, last = (rows[title_of(*times[end])] for end in (0, -1))
        growth = math.log(last[axis] / first[axis])
        found[axis] = {name: round(math.log(last[name] / first[name]) / growth, 2) for name in MEASURES}
    return found


def plot(rows: dict[str, Row], path: Path) -> None:
    """Draw every measure against both axes, with a straight line beside it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 5), layout="constrained")
    for row, (axis, times) in zip(figure.subplots(2, len(MEASURES)), AXES.items(), strict=True):
        found = [rows[title_of(*one)] for one in times]
        sizes = [one[axis] for one in found]
        for panel, (name, label) in zip(row, MEASURES.items(), strict=True):
            values = [one[name] for one in found]
            panel.plot(sizes, values, "o-")
            panel.plot(sizes, [values[0] * size / sizes[0] for size in sizes], ":", color="grey")
            panel.set(xlabel=axis, ylabel=label, ylim=(0, None), xlim=(0, None))
    figure.savefig(path)


def main() -> None:
    """Measure what has no row yet, or the one that is named, here."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("interactions")
    parser.add_argument("--users", type=float, default=1.0, help="share of them, before all is multiplied")
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--only", type=int, nargs=2, metavar=("USERS", "ITEMS"), help="print this row")
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args()
    if given.only:
        histories = read_histories(given.interactions, given.users)
        print(json.dumps(measure(leave_two_out(grown(histories, *given.only)))))
        return
    settings = {**CONFIG.settings(), "epochs": EPOCHS, "share": given.users, "torch": torch.__version__}
    sheet = Sheet(given.results / f"scaling-{given.name}.json", settings)
    for times in TIMES:
        words = [given.name, given.interactions, "--users", str(given.users), "--only", *map(str, times)]
        sheet.measure(title_of(*times), lambda words=words: alone([sys.executable, __file__, *words]))
    print(json.dumps(exponents(sheet.rows), indent=1))
    if given.plot:
        plot(sheet.rows, given.plot)


if __name__ == "__main__":
    main()
