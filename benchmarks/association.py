"""The association graph of a log of 10,000,000 events: seconds and peak memory of each way to count, alone.

    python benchmarks/association.py [--only log ppmi]       # writes benchmarks/results/association.json

The log is synthetic, from a seed: 1,000,000 users, 200,000 items whose popularity falls as 1 / rank (an item
may come again), history lengths log-normal with mean 10, and one user with 50,000 different items, who alone
makes 1,249,975,000 pairs. Whole histories are counted, but for the default and where a row's name says
otherwise. Each row is a process of its own, which reads the log from a file; `seconds` is the graph's share
of its time, `peak_mib` the most that was resident at any moment (VmHWM), log included.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from genair.config import GraphConfig
from genair.data.association import associate
from genair.data.sequences import Sequences
from genair.device import usable_cores

RESULT = Path(__file__).parent / "results" / "association.json"
USERS, ITEMS, EVENTS, BOT = 1_000_000, 200_000, 10_000_000, 50_000
WHOLE = GraphConfig(window=0, score="log")
WAYS = {
    "default": GraphConfig(),
    "log": WHOLE,
    "ppmi": replace(WHOLE, score="ppmi"),
    "jaccard, user norm": replace(WHOLE, score="jaccard", user_norm="size"),
    "log, window 5": replace(WHOLE, window=5),
}


def make_log(path: Path) -> None:
    """Write `offsets` (users + 1) and `items` (events) of the synthetic log."""
    rng = np.random.Generator(np.random.PCG64(0))
    share = rng.lognormal(0, 1, USERS - 1)
    lengths = 1 + rng.multinomial(EVENTS - BOT - (USERS - 1), share / share.sum())
    reach = np.cumsum(1 / np.arange(1, ITEMS + 1))
    ranks = np.searchsorted(reach, rng.random(EVENTS - BOT) * reach[-1])
    chosen = rng.permutation(ITEMS)[ranks]
    items = 1 + np.concatenate([chosen, rng.permutation(ITEMS)[:BOT]])
    np.savez(path, offsets=np.cumsum([0, *lengths, BOT]), items=items)


def count(path: Path, way: str) -> dict[str, object]:
    """Make the graph in this process and return what it took."""
    with np.load(path) as log:
        users = [str(user) for user in range(len(log["offsets"]) - 1)]
        train = Sequences(users, log["offsets"], log["items"], ITEMS)
    start, cpu_start = time.perf_counter(), time.process_time()
    pairs = associate(train, WAYS[way])
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu_start
    lines = Path("/proc/self/status").read_text().split("\n")
    peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    spent = {"seconds": round(seconds, 1), "cpu_seconds": round(cpu, 1), "peak_mib": peak // 1024}
    return {**spent, "pairs": len(pairs), "dropped": pairs.dropped}


def main() -> None:
    """Measure each way in a process of its own, and write after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--count", nargs=2, metavar=("LOG", "WAY"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.count:
        print(json.dumps(count(Path(given.count[0]), given.count[1])))
        return
    rows = json.loads(RESULT.read_text())["rows"] if RESULT.is_file() else {}
    machine = {"cores": usable_cores(), "machine": platform.machine(), "numpy": np.__version__}
    log = {"users": USERS, "items": ITEMS, "events": EVENTS, "longest_history": BOT}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.npz"
        make_log(path)
        for way in given.only:
            words = [sys.executable, __file__, "--count", str(path), way]
            done = subprocess.run(words, stdout=subprocess.PIPE, check=True)
            rows[way] = json.loads(done.stdout)
            print(way, rows[way], flush=True)
            result = {"machine": machine, "log": log, "rows": rows}
            RESULT.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
