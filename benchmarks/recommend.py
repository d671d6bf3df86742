"""The whole of `genair recommend`, start-up included: seconds, CPU seconds and peak memory of the process.

    python benchmarks/recommend.py beauty interactions.jsonl.gz [MODEL.h5] [--runs 5]

Every user of the log is served ten items: from the log (`-i`), from a file of histories, from the same
histories by a pipe, and from the file by one thread. Without MODEL.h5 the model is an untrained SASRec of the
default sizes (64 wide, 50 events) with an id table over the log's items: time does not depend on what was
learned. Each row is of the fastest run, with the median beside it. Beside other work two threads wait for
each other, and seconds measure that work: `load` is the system's before the first run, and one thread's CPU
seconds hardly depend on it. Writes benchmarks/results/recommend-NAME.json.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from genair.config import TrainConfig
from genair.data.ids import IdMap
from genair.data.interactions import read_interactions
from genair.data.sequences import Sequences, build_sequences
from genair.device import processor, usable_cores
from genair.io.checkpoints import ModelFile, write_model
from genair.io.jsonl import encode_line
from genair.models.base import build_recommender, weights_of
from genair_cli.streams import rows_in

RESULTS = Path(__file__).parent / "results"


def read(log: str) -> tuple[list[str], Sequences]:
    """Return the log's items, sorted, and its histories."""
    with rows_in(log) as source:
        events = read_interactions(source.blocks, source.name)
    item_ids = sorted(events.item_ids)
    return item_ids, build_sequences(events, IdMap(item_ids), name=log)


def write_untrained(path: Path, item_ids: list[str]) -> None:
    """Write an untrained model."""
    torch.manual_seed(0)
    config = TrainConfig(items="id")
    model = build_recommender(config, len(item_ids), None)
    write_model(path, ModelFile(config.settings(), item_ids, weights_of(model), []))


def write_histories(path: Path, item_ids: list[str], histories: Sequences) -> None:
    """Write a line a user."""
    with path.open("wb") as file:
        for user, user_id in enumerate(histories.user_ids):
            own = [item_ids[index - 1] for index in histories.of(user).tolist()]
            file.write(encode_line({"user_id": user_id, "item_ids": own}))


def measure(words: list[str], answers: Path, piped: Path | None, threads: int | None) -> dict[str, float]:
    """Run one command in a process that dies with it, so that its peak memory is its own."""
    environment = {**os.environ, **({} if threads is None else {"OMP_NUM_THREADS": str(threads)})}
    command = [sys.executable, "-m", "genair_cli", "recommend", *words, "-q"]
    start = time.perf_counter()
    with answers.open("wb") as sink:
        feeder = None if piped is None else subprocess.Popen(["cat", str(piped)], stdout=subprocess.PIPE)
        source = feeder.stdout if feeder else None
        process = subprocess.Popen(command, stdin=source, stdout=sink, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    if status != 0 or (feeder is not None and feeder.wait() != 0):
        sys.exit(f"genair recommend {' '.join(words)} failed")
    cpu = usage.ru_utime + usage.ru_stime
    return {"seconds": round(wall, 2), "cpu_seconds": round(cpu, 2), "peak_mib": usage.ru_maxrss // 1024}


def main() -> None:
    """Measure every way in, round by round, and write what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("log")
    parser.add_argument("model", nargs="?")
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="genair-") as folder:
        model, lines, answers = (Path(folder) / name for name in ("model.h5", "h.jsonl", "r.jsonl"))
        item_ids, histories = read(given.log)
        write_histories(lines, item_ids, histories)
        if given.model is None:
            write_untrained(model, item_ids)
        else:
            model = Path(given.model)
        ways = {
            "log": (["-i", given.log], None, None),
            "file": ([str(lines)], None, None),
            "pipe": (["-"], lines, None),
            "file, one thread": ([str(lines)], None, 1),
        }
        runs: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
        for _ in range(given.runs):
            for way, (words, piped, threads) in ways.items():
                runs[way].append(measure([str(model), *words], answers, piped, threads))
                served = answers.read_bytes().count(b"\n")
                if served != len(histories):
                    sys.exit(f"{served} of {len(histories)} users were served")
    rows = {
        way: {
            **min(done, key=lambda run: run["seconds"]),
            "median_seconds": round(statistics.median(run["seconds"] for run in done), 2),
        }
        for way, done in runs.items()
    }
    machine = {"cores": usable_cores(), "machine": platform.machine(), "processor": processor(), "load": load}
    found = {
        "machine": machine,
        "model": "untrained SASRec" if given.model is None else Path(given.model).name,
        "users": len(histories),
        "items": len(item_ids),
        "events": len(histories.items),
        "runs": given.runs,
        "rows": rows,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"recommend-{given.name}.json").write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
