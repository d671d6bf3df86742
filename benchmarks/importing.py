"""A click log of 10,000,000 events from CSV.gz to filtered JSON lines: seconds, and peak memory.

    python benchmarks/importing.py [--events 10000000] [--folder FOLDER] [--quoted]

The log is synthetic, from a seed: users by a tenth of the events, items by a fiftieth, whose popularity falls
as 1 / rank; ids as long as Amazon's, seconds of ten years, no order, one event in a hundred twice. It is
imported by the command line, in a process of its own, to a 5-core. `--quoted` puts every field in quotes,
which takes the exact way of reading instead of the fast one. Writes benchmarks/results/importing.json, a row
a size and kind; `peak_mib` is the most that was resident at any moment.
"""

import argparse
import gzip
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from genair.device import usable_cores

RESULT = Path(__file__).parent / "results" / "importing.json"
_CHUNK = 1_000_000
_YEARS = (1_300_000_000, 1_600_000_000)


def events_of(events: int) -> Iterator[pl.DataFrame]:
    """Yield the synthetic log."""
    users, items = max(1, events // 10), max(1, events // 50)
    reach = np.cumsum(1 / np.arange(1, items + 1))
    for start in range(0, events, _CHUNK):
        rng = np.random.default_rng([7, start])
        count = min(_CHUNK, events - start)
        rows = pl.DataFrame(
            {
                "user_id": rng.integers(users, size=count),
                "item_id": np.searchsorted(reach, rng.random(count) * reach[-1]),
                "rating": rng.integers(1, 6, count),
                "timestamp": rng.integers(*_YEARS, count),
            }
        )
        again = pl.concat([rows.head(count - count // 100), rows.head(count // 100)])
        yield again.with_columns(
            user_id="A" + pl.col("user_id").cast(pl.String).str.zfill(13),
            item_id="B" + pl.col("item_id").cast(pl.String).str.zfill(9),
        )


def make_log(path: Path, events: int, *, quoted: bool) -> int:
    """Write the synthetic log, and return its size in bytes before compression."""
    style: Literal["always", "never"] = "always" if quoted else "never"
    size = 0
    with gzip.open(path, "wb", compresslevel=1) as file:
        for number, rows in enumerate(events_of(events)):
            size += file.write(rows.write_csv(include_header=number == 0, quote_style=style).encode())
    return size


def measure(folder: Path, events: int, *, quoted: bool) -> dict[str, object]:
    """Import a log of so many events, and return what it took."""
    log = folder / "log.csv.gz"
    size = make_log(log, events, quoted=quoted)
    outputs = ["--items", folder / "items.jsonl", "--interactions", folder / "log.jsonl"]
    words = ["import", "table", log, *outputs, "--report", folder / "report.json", "-q", "-f"]
    command = [sys.executable, "-m", "genair_cli", *map(str, words), "--min-user", "5", "--min-item", "5"]
    start = time.perf_counter()
    subprocess.run(command, check=True)
    seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    report = json.loads((folder / "report.json").read_text())
    return {
        "seconds": round(seconds, 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_mib": used.ru_maxrss // 1024,
        "csv_mib": size >> 20,
        "gzip_mib": log.stat().st_size >> 20,
        "jsonl_mib": (folder / "log.jsonl").stat().st_size >> 20,
        "interactions": report["summary"]["interactions"],
        "users": report["summary"]["users"],
        "items": report["summary"]["items"],
        "losses": {step: loss["interactions"] for step, loss in report["losses"].items()},
        "load_before": round(os.getloadavg()[0], 1),
    }


def main() -> None:
    """Measure, and write the row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, help="where the files go for the time being")
    parser.add_argument("--quoted", action="store_true")
    given = parser.parse_args()
    rows = json.loads(RESULT.read_text())["rows"] if RESULT.is_file() else {}
    machine = {"cores": usable_cores(), "machine": platform.machine(), "polars": pl.__version__}
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        name = f"{given.events} events{', quoted' if given.quoted else ''}"
        rows[name] = measure(Path(folder), given.events, quoted=given.quoted)
    print(name, rows[name])
    RESULT.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
