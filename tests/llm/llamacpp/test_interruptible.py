"""Ctrl-C ends a call into C at once, and the call has ended when it does."""

import signal
import subprocess
import sys
import threading
import time

import pytest

from genair.llm.llamacpp.interruptible import Interruptible

CALL = """
import ctypes, signal
from genair.llm.llamacpp.interruptible import Interruptible

signal.signal(signal.SIGINT, signal.default_int_handler)
calls = Interruptible()
ended = []

def long():
    print("begun", flush=True)
    while not calls.stop:  # as a library that asks its abort callback
        ctypes.CDLL(None).usleep(1000)
    ended.append(1)
    return 2

try:
    calls.call(long)
except KeyboardInterrupt:
    print("ended" if ended else "still running", flush=True)
"""

AT_ONCE = """
import ctypes, os, signal
from genair.llm.llamacpp.interruptible import Interruptible

signal.signal(signal.SIGINT, signal.default_int_handler)
for attempt in range(50):
    calls, ended = Interruptible(), []

    def interrupted():
        os.kill(os.getpid(), signal.SIGINT)
        while not calls.stop:
            ctypes.CDLL(None).usleep(100)
        ctypes.CDLL(None).usleep(1000)
        ended.append(1)
        return 2

    try:
        calls.call(interrupted)
    except KeyboardInterrupt:
        print("ended" if ended else "still running", flush=True)
    calls.close()
"""


def test_results_and_errors_pass_through():
    calls = Interruptible()
    assert calls.call(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        calls.call(lambda: 1 // 0)
    calls.close()


def test_ctrl_c_ends_a_call_that_asks_whether_to_stop():
    with subprocess.Popen([sys.executable, "-c", CALL], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "begun\n"
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "ended\n"
        assert process.wait(timeout=20) == 0
        assert time.monotonic() - start < 10


def test_ctrl_c_may_come_before_the_main_thread_waits():
    command = [sys.executable, "-c", AT_ONCE]
    shown = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    assert (shown.stdout, shown.stderr) == ("ended\n" * 50, "")


def test_elsewhere_than_in_the_main_thread_the_call_is_made_directly():
    made = []

    def work():
        calls = Interruptible()
        calls.call(lambda: made.append(threading.current_thread().name) or 0)
        made.append(calls.needed)

    thread = threading.Thread(target=work, name="elsewhere")
    thread.start()
    thread.join()
    assert made == ["elsewhere", False]
