"""A disk that is full, at whatever moment: an error, and no crash in HDF5's hands."""

import subprocess
import sys

import h5py
import numpy as np
import pytest

from genair.io.disk import Disk

FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from genair.io.atomic import atomic_path
from genair.io.container import create_container
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    with atomic_path(Path(sys.argv[1])) as path, create_container(path, "genair-embeddings") as container:
        for _ in range(5):
            container.append("vectors", np.ones((1000, 64), dtype=np.float32))
        container.write("more", np.ones((20_000, 8)))
except OSError:
    print("the disk is full", flush=True)
"""
FULL_AT_ANY_MOMENT = """
import os, resource, signal, sys
from pathlib import Path
import numpy as np
from genair.io.atomic import atomic_path
from genair.io.container import create_container
from genair.provenance import add_step
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
names = [f"item {number} of a rather long name" for number in range(3000)]
steps = add_step([], "archetype", {"prompt": "x" * 3000}, {})

def write():
    with atomic_path(Path(sys.argv[1])) as path, create_container(path, "genair-embeddings") as container:
        for _ in range(3):
            container.append("vectors", np.ones((100, 64), dtype=np.float32))
        container.write_strings("item_ids", names)
        container.write("reducer/mean", np.ones(2000))
        container.write_strings("more", names[:50])
        container.write_steps(steps)
        container.set_attributes(rows=len(names))

def status(limit):
    child = os.fork()
    if not child:
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit,) * 2)
            write()
        except OSError as error:
            os._exit(2 if ".partial" in str(error.filename) else 1)
        os._exit(0)
    return os.waitpid(child, 0)[1]

write()
size = Path(sys.argv[1]).stat().st_size
Path(sys.argv[1]).unlink()
print(*(os.waitstatus_to_exitcode(status(size * part // 60)) for part in range(61)))
"""


@pytest.mark.parametrize("limit", [1_000, 300_000, 1_500_000])
def test_a_full_disk_is_an_os_error_that_leaves_nothing(tmp_path, limit):
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path / "a.h5"), str(limit)],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, b"the disk is full\n"), done.stderr[-500:]
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_at_any_moment_ends_no_process(tmp_path):
    """HDF5 reads the heap of its strings again: bytes that are not there would be a segmentation fault."""
    words = [sys.executable, "-c", FULL_AT_ANY_MOMENT, str(tmp_path / "a.h5")]
    done = subprocess.run(words, capture_output=True, timeout=120, check=True)
    assert done.stdout.split() == [b"2"] * 60 + [b"0"]


def test_a_file_that_a_signal_left_open_can_be_closed_behind_its_end(tmp_path):
    path = tmp_path / "a.h5"
    with path.open("w+b", buffering=0) as raw:
        disk = Disk(raw, "a.h5")
        left_open = h5py.File(disk, "w")
        left_open["x"] = np.ones(1000)
        disk.leave()
    size = path.stat().st_size
    left_open["y"] = np.ones(1000)
    left_open.close()
    assert path.stat().st_size == size
