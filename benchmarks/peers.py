"""SASRec beside its peers: seconds of an epoch and NDCG@10 after equal epochs, one after another in one run.

    python benchmarks/peers.py beauty interactions.jsonl.gz [--epochs 2] [--work FOLDER]
        [--only "genair, first" recbole] [--users 0.02 --results FOLDER]

All get the same training events of the same users (leave-two-out), the same sizes, batches of 128, dropout,
learning rate and threads, and the full softmax; each keeps its own block, initialisation and Adam. Each peer
is installed into an environment of its own below the work folder, with the torch that runs here, and runs in
a process of its own (`peers/NAME_.py`). genair goes before, between and after them, and a peer is compared
with its neighbours.

An epoch is one pass over the training events, without validation; of the epochs of a run the fastest counts,
since other load only ever slows. Then each lists its ten best unseen items for every test user, and the lists
are scored here: full ranking of what it knows, seen items left out. RecTools and RecBole know the items of
training only. A batch is 128 users for genair and RecTools, whereas RecBole makes a sample of every event, so
128 of them are fewer and an epoch has more steps, from each of which it learns: `genair, batch 22` takes as
many, and `genair, rate 0.004` has fewer ones at a higher rate, beside which RecBole is tried at it, too.
RecBole's row with the 2048 that it has by default is `recbole, batch 2048`. All compute in float32 but
`genair, bf16`.

Writes peers-NAME.json into benchmarks/results, or into --results for a trial with a share of the users.
"""

import argparse
import json
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import torch
from histories import read_histories
from sheet import RESULTS, Row, Sheet, alone

from genair.data.sequences import Split, leave_two_out
from genair.device import usable_cores
from genair.evaluate.metrics import mean_at

HERE = Path(__file__).parent
PEERS = {
    "rectools": ("RecTools[torch]==0.19.0",),
    "recbole": ("recbole==1.2.1", "numpy<2", "pandas<3"),  # it uses names that numpy 2 dropped
}
SETTINGS = {
    "dim": 64,
    "blocks": 1,
    "heads": 1,
    "max_length": 50,
    "dropout": 0.2,
    "batch_size": 128,
    "learning_rate": 1e-3,
    "seed": 0,
    "k": 10,
}
RUNS: dict[str, tuple[str, dict[str, float | str]]] = {  # title: who, and what differs from the settings
    "genair, first": ("genair", {}),
    "rectools": ("rectools", {}),
    "genair, between": ("genair", {}),
    "recbole": ("recbole", {}),
    "genair, after": ("genair", {}),
    "recbole, batch 2048": ("recbole", {"batch_size": 2048}),
    "genair, batch 22": ("genair", {"batch_size": 22}),
    "genair, bf16": ("genair", {"precision": "bf16"}),
    "genair, rate 0.004": ("genair", {"learning_rate": 4e-3}),
    "recbole, rate 0.004": ("recbole", {"learning_rate": 4e-3}),
}
NEIGHBOURS = [
    ("rectools", ("genair, first", "genair, between")),
    ("recbole", ("genair, between", "genair, after")),
    ("recbole, batch 2048", ("genair, after",)),
    ("recbole", ("genair, batch 22",)),
    ("recbole, rate 0.004", ("genair, rate 0.004",)),
]


def python_of(peer: str, work: Path) -> str:
    """Return the interpreter of a peer's environment, made once."""
    if peer not in PEERS:
        return sys.executable
    python = work / peer / "bin" / "python"
    ready = work / peer / ".ready"
    if not ready.is_file():
        venv.create(work / peer, with_pip=True)
        same_torch = f"torch=={torch.__version__.partition('+')[0]}"
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PEERS[peer], same_torch], check=True)
        ready.touch()
    return str(python)


def write_data(split: Split, path: Path) -> None:
    """Write what every contestant gets: training events, and the histories to continue."""
    train, test = split.train, split.test.histories
    np.savez(
        path,
        train_offsets=train.offsets,
        train_items=train.items,
        test_offsets=test.offsets,
        test_items=test.items,
        n_items=train.n_items,
    )


def run(name: str, settings: dict[str, float | str], split: Split, work: Path) -> Row:
    """Let one contestant train, and score its lists."""
    python = python_of(name, work)
    (work / "settings.json").write_text(json.dumps(settings))
    row = alone([python, HERE / "peers" / f"{name}_.py", work], work)  # RecBole litters its current folder
    lists = np.load(work / "lists.npy")
    hits = lists == split.test.targets[:, None]
    ranks = np.where(hits.any(axis=1), hits.argmax(axis=1) + 1.0, np.inf)
    return {**row, "ndcg": mean_at("ndcg", ranks, 10), "hr": mean_at("hr", ranks, 10)}


def ratios(rows: dict[str, Row]) -> dict[str, float]:
    """Return how many times its neighbours' mean time every peer takes."""
    found = {}
    for title, neighbours in NEIGHBOURS:
        if not {title, *neighbours} <= rows.keys():
            continue
        for what in ("seconds", "cpu_seconds"):
            own = np.mean([min(rows[neighbour][what]) for neighbour in neighbours])
            found[f"{title} / {neighbours[-1]}, {what}"] = round(min(rows[title][what]) / own, 2)
    return found


def main() -> None:
    """Let all run that have no row yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("interactions")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--users", type=float, default=1.0, help="share of them")
    parser.add_argument("--only", nargs="+", choices=RUNS, default=list(RUNS))
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--work", type=Path, default=Path("genair-demo/bench/peers"))
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args()
    work = given.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    split = leave_two_out(read_histories(given.interactions, given.users))
    write_data(split, work / "data.npz")
    settings: dict[str, float | str] = {**SETTINGS, "epochs": given.epochs, "threads": given.threads}
    train = split.train
    data = {
        "users": len(train),
        "items": train.n_items,
        "events": len(train.items),
        "torch": torch.__version__,
    }
    sheet = Sheet(given.results / f"peers-{given.name}.json", {**settings, **data})
    for title in given.only:
        name, other = RUNS[title]
        sheet.measure(title, lambda n=name, o=other: run(n, {**settings, **o}, split, work))
    print(json.dumps(ratios(sheet.rows), indent=1))


if __name__ == "__main__":
    main()
