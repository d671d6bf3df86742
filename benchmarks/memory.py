"""Whether memory grows with the number of items: a long stream of synthetic items through the echo backend.

    python benchmarks/memory.py [--items 1000000] [--workers 2]     # writes benchmarks/results/memory.json

Items go in through a pipe and archetypes come out through another, so that nothing but the program itself
holds them. Every 100,000 items the resident memory of the parent and of its workers is noted, in MiB.
"""

import argparse
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

RESULT = Path(__file__).parent / "results" / "memory.json"
_EVERY = 100_000


def feed(stream: IO[bytes], items: int) -> None:
    """Write synthetic items."""
    with stream:
        for number in range(items):
            words = f"gadget {number % 997} for rooms of kind {number % 89}"
            row = {"item_id": f"item-{number:09d}", "title": words, "brand": f"brand {number % 4001}"}
            stream.write(json.dumps(row).encode() + b"\n")


def resident(pid: int) -> int:
    """Return the resident memory of a process in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().split("\n")
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) // 1024


def children(pid: int) -> list[int]:
    """Return the processes that a process started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def main() -> None:
    """Run the stream and note memory as it goes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    words = [
        "archetype",
        "-",
        "--backend",
        "echo",
        "--workers",
        str(given.workers),
        "--max-tokens",
        "8",
        "-q",
    ]
    command = [sys.executable, "-m", "genair_cli", *words]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("no pipes")
    threading.Thread(target=feed, args=(process.stdin, given.items), daemon=True).start()
    rows: list[dict[str, float]] = []
    for count, _ in enumerate(process.stdout, start=1):
        if count % _EVERY == 0 or count == _EVERY // 10:
            workers = [resident(child) for child in children(process.pid)]
            seconds = round(time.perf_counter() - start, 1)
            rows.append(
                {
                    "items": count,
                    "seconds": seconds,
                    "parent_mib": resident(process.pid),
                    "largest_worker_mib": max(workers, default=0),
                }
            )
            print(rows[-1], flush=True)
            RESULT.write_text(json.dumps({"workers": given.workers, "rows": rows}, indent=1) + "\n")
    if process.wait() != 0:
        sys.exit("genair archetype failed")


if __name__ == "__main__":
    main()
