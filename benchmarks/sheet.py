"""Rows of figures that are saved as they come: what is there is not measured again.

Each row tells the load of the machine before and after it, since beside other work seconds measure that work,
too. CPU seconds hardly do if threads that wait for each other sleep instead of spinning
(OMP_WAIT_POLICY=passive), which costs a machine that does nothing else some time.
"""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from genair.device import processor, usable_cores

RESULTS = Path(__file__).parent / "results"
Row = dict[str, Any]


class Sheet:
    """The rows of one file, by title, all measured with the same settings."""

    def __init__(self, path: Path, settings: Mapping[str, object]) -> None:
        """Read what is there, or stop if it was measured with other settings."""
        self.path, self.settings = path, json.loads(json.dumps(settings))
        found = json.loads(path.read_text()) if path.is_file() else {}
        if found and found["settings"] != self.settings:
            sys.exit(
                f"{path} holds rows of other settings, {found['settings']}: move it, or name other --results"
            )
        self.rows: dict[str, Row] = found.get("rows", {})

    def measure(self, title: str, work: Callable[[], Row]) -> Row:
        """Return a row, measuring it if it is not there."""
        if title not in self.rows:
            before = os.getloadavg()[0]
            row = work()
            self.rows[title] = {**row, "load": [round(before, 2), round(os.getloadavg()[0], 2)]}
            self.save()
            print(title, json.dumps(self.rows[title]), flush=True)
        return self.rows[title]

    def save(self) -> None:
        """Write what there is, with the machine it was measured on."""
        machine = {"cores": usable_cores(), "machine": platform.machine(), "processor": processor()}
        sheet = {"machine": machine, "settings": self.settings, "rows": self.rows}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(sheet, indent=1) + "\n")


def alone(words: Sequence[str | Path], folder: Path | None = None) -> Row:
    """Run a script in a process of its own; return its last line, a JSON object, and its peak memory.

    It runs in `folder`, the current one by default.
    """
    process = subprocess.Popen(words, stdout=subprocess.PIPE, cwd=folder)
    if process.stdout is None:
        raise RuntimeError("no pipe")
    lines = process.stdout.read().decode().strip().split("\n")
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(map(str, words))} failed")
    own = {"peak_mib": usage.ru_maxrss // 1024, "threads_wait": os.environ.get("OMP_WAIT_POLICY", "default")}
    return {**json.loads(lines[-1]), **own}
