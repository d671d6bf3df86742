"""Several processes on one work: one at a time, and those that were killed hold nobody up."""

import signal
import subprocess
import sys

import pytest

from genair.errors import GenairError
from genair.io.partial import open_partial


@pytest.fixture
def target(tmp_path):
    return tmp_path / "out.jsonl"


WRITER = """
import sys
from pathlib import Path
from genair.io.partial import open_partial
with open_partial(Path(sys.argv[1]), {"a": 1}, ["lines"], resume=True, force=False) as work:
    for number in range(len(work.done), int(sys.argv[2])):
        work.write("lines", b"line %d\\n" % number)
        work.commit(str(number))
    print("writing", flush=True)
    sys.stdin.read()
"""


def begin(target, **way):
    with open_partial(target, {"a": 1}, ["lines"], **way):
        pytest.fail("the block must not run")


def another(target, units):
    """Start another process that does so many units, and then waits."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(target), str(units)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"writing\n"
    return process


@pytest.mark.parametrize("way", [{}, {"resume": True}, {"force": True}])
def test_a_second_writer_is_refused_whatever_it_asks_for(target, way):
    with another(target, 3) as first:
        with pytest.raises(GenairError, match=r"out\.jsonl: another process is writing this output"):
            begin(target, **{"resume": False, "force": False, **way})
        first.communicate(timeout=30)
    assert first.returncode == 0
    assert list(target.parent.iterdir()) == []


def test_a_writer_that_was_killed_holds_nobody_up_and_all_its_units_are_there(target):
    for units in (2, 5, 9):
        with another(target, units) as process:
            process.send_signal(signal.SIGKILL)
    with open_partial(target, {"a": 1}, ["lines"], resume=True, force=False) as work:
        assert work.done == [str(number) for number in range(9)]
        assert work.path("lines").read_bytes() == b"".join(b"line %d\n" % number for number in range(9))
