"""A click log into histories: seconds and peak memory, in pairs with another version of genair.

    git archive VERSION | tar -x -C OTHER
    python benchmarks/reading.py [--events 10000000] [--against OTHER] [--pairs 3] [--folder FOLDER]

The log is that of `importing.py`, as JSON lines, in no order. What is measured is all that `calibrate`,
`train` and `eval` do before they work: reading the file with its digest, and ordering the events by user and
time. Each measurement is a process of its own, the other version's and this one's in turn, and both have to
come to the same histories. Writes benchmarks/results/reading.json, a row a size: seconds and CPU seconds of
every run, the most memory that was resident at any moment of one, and how much that was before the reading.
"""

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from importing import events_of

from genair.device import usable_cores
from genair_cli.logs import read_log
from genair_cli.options import OnErrorChoice

RESULT = Path(__file__).parent / "results" / "reading.json"
HERE = Path(__file__).parents[1]
Row = dict[str, Any]


def measure(log: str) -> Row:
    """Read a log, and return what it took and what came of it."""
    before = _peak()
    start, cpu = time.perf_counter(), time.process_time()
    histories = read_log(log, None, OnErrorChoice.FAIL).sequences
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
    digest = hashlib.sha256("\n".join(histories.user_ids).encode())
    for column in (histories.offsets, histories.items, histories.times):
        digest.update(np.asarray(column, dtype=np.float64).tobytes())
    return {
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu_seconds, 1),
        "peak_mib": _peak(),
        "before_mib": before,
        "users": len(histories),
        "sha256": digest.hexdigest(),
    }


def _peak() -> int:
    lines = Path("/proc/self/status").read_text().split("\n")
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024


def alone(version: Path, log: Path) -> Row:
    """Measure in a process of its own, with the code of a version."""
    environment = {**os.environ, "PYTHONPATH": str(version)}
    words = [sys.executable, __file__, "--log", str(log)]
    return dict(json.loads(subprocess.run(words, check=True, env=environment, stdout=subprocess.PIPE).stdout))


def in_turn(log: Path, against: Path | None, pairs: int) -> Row:
    """Measure both versions a few times, and return the row."""
    versions = {"now": HERE} if against is None else {"against": against, "now": HERE}
    runs: dict[str, list[Row]] = {version: [] for version in versions}
    for _ in range(pairs):
        for version, folder in versions.items():
            runs[version].append(alone(folder, log))
            print(version, json.dumps(runs[version][-1]), flush=True)
    if len({run["sha256"] for version in runs.values() for run in version}) > 1:
        sys.exit("the histories differ")
    told = {
        version: {
            "seconds": [run["seconds"] for run in found],
            "cpu_seconds": [run["cpu_seconds"] for run in found],
            "peak_mib": max(run["peak_mib"] for run in found),
            "before_mib": found[0]["before_mib"],
        }
        for version, found in runs.items()
    }
    return {**told, "jsonl_mib": log.stat().st_size >> 20, "users": runs["now"][0]["users"]}


def main() -> None:
    """Measure, and write the row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--against", type=Path, help="a folder with the code of another version")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the log goes for the time being")
    parser.add_argument("--log", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.log:
        print(json.dumps(measure(given.log)))
        return
    rows = json.loads(RESULT.read_text())["rows"] if RESULT.is_file() else {}
    machine = {"cores": usable_cores(), "machine": platform.machine(), "polars": pl.__version__}
    name, load = f"{given.events} events", os.getloadavg()[0]
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        log = Path(folder) / "log.jsonl"
        with log.open("wb") as file:
            for events in events_of(given.events):
                events.write_ndjson(file)
        rows[name] = {**in_turn(log, given.against, given.pairs), "load_before": round(load, 1)}
    RESULT.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
