"""A crew of processes: tasks in, results, errors and deaths out."""

import operator
import os
import signal
import time
from multiprocessing import Pipe

import pytest

from genair.errors import InputError
from genair.llm.base import BackendSpec
from genair.llm.workers import Crew, Heard, Task

pytestmark = pytest.mark.slow

ECHO = BackendSpec("echo", "", "echo", "", "words")


def task(work, *numbers, wave=0):
    return Task(wave, tuple(range(len(numbers))), tuple(work.Thing(number) for number in numbers))


def hear(crew):
    """Return the one task that ends next."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if heard := crew.listen():
            (one,) = heard
            return one
    raise TimeoutError


def test_a_task_comes_back_with_its_results(work):
    given = task(work, 8, 9, wave=3)
    with Crew(work.read, ECHO, 1) as crew:
        crew.give(given)
        heard = hear(crew)
    assert heard.task == given
    assert [number for number, _ in heard.results] == [8, 9]
    assert (heard.error, heard.death) == (None, "")


def test_there_is_room_until_everybody_is_busy(work):
    with Crew(work.read, ECHO, 2) as crew:
        assert crew.has_room()
        crew.give(task(work, 0))
        assert crew.has_room()
        crew.give(task(work, 1))
        assert not crew.has_room()
        hear(crew)
        assert crew.has_room()


def test_whoever_is_idle_gets_the_next_task(work):
    with Crew(work.who, ECHO, 2) as crew:
        pids = []
        for number in range(3):
            crew.give(task(work, number))
            pids.extend(hear(crew).results)
    assert len(set(pids)) == 1
    assert os.getpid() not in pids


def test_an_error_of_the_work_leaves_the_worker_alive(work):
    with Crew(work.fail_at_four, ECHO, 1) as crew:
        crew.give(task(work, 4))
        heard = hear(crew)
        assert (type(heard.error), str(heard.error)) == (InputError, "items.jsonl:4: four is too many")
        crew.give(task(work, 5))
        assert [number for number, _ in hear(crew).results] == [5]


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_that_was_killed_while_idle_is_heard_of_with_its_next_task(work, sent):
    with Crew(work.who, ECHO, 1) as crew:
        crew.give(task(work, 1))
        (pid,) = hear(crew).results
        os.kill(pid, sent)
        crew.give(task(work, 2))
        assert hear(crew) == Heard(task(work, 2), death=sent.name)
        crew.give(task(work, 3))
        assert hear(crew).results not in ([], [pid])


def test_workers_do_not_hear_ctrl_c(work):
    with Crew(work.who, ECHO, 1) as crew:
        crew.give(task(work, 1))
        (pid,) = hear(crew).results
        os.kill(pid, signal.SIGINT)
        crew.give(task(work, 2))
        assert hear(crew).results == [pid]


def test_listening_ends_when_somebody_else_has_news(work):
    ours, theirs = Pipe(duplex=False)
    theirs.send_bytes(b".")
    with Crew(work.read, ECHO, 1) as crew:
        assert crew.listen(ours) == []


def test_everybody_is_gone_when_the_block_ends_busy_or_not(work, no_process_is_left):
    with Crew(work.read, ECHO, 2) as crew:
        crew.give(task(work, 0))
        hear(crew)
        crew.give(task(work, 0))
        crew.give(task(work, 1))
    assert no_process_is_left()


class CtrlC:
    """Work that presses Ctrl-C while it is packed for its worker."""

    def __init__(self):
        self.went_on = False

    def __reduce__(self):
        os.kill(os.getpid(), signal.SIGINT)
        self.went_on = True
        return operator.attrgetter, ("nothing",)


def test_a_signal_that_comes_while_a_worker_starts_waits_until_it_has_started(work, no_process_is_left):
    """Interrupted in between, the worker would find half of its orders and end with a traceback."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    pressed = CtrlC()
    try:
        with pytest.raises(KeyboardInterrupt), Crew(pressed, ECHO, 1) as crew:
            crew.give(task(work, 1))
        assert pressed.went_on
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == mask
    finally:
        signal.signal(signal.SIGINT, before)
