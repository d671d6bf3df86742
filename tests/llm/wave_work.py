"""What the worker processes of test_waves.py do: a module of its own, for they import it by name."""

import os
import signal
import time

from genair.errors import InputError
from genair.llm.base import Answered
from genair.records import ChatPrompt


def read(backend, wave):
    """Return (number, state) of each number; later waves are quicker, so that they finish out of order."""
    time.sleep(0.02 * max(0, 5 - wave[0]))
    answered = [Answered(ChatPrompt("", f"item {number}", ""), " Anglers.", None, False) for number in wave]
    return [(n, pooled.archetype.tobytes()) for n, pooled in zip(wave, backend.states(answered), strict=True)]


def fail_at_four(backend, wave):
    if 4 in wave:
        raise InputError("four is too many", where="items.jsonl:4")
    return read(backend, wave)


def be_killed_at_four(backend, wave):
    if 4 in wave:
        os.kill(os.getpid(), signal.SIGKILL)
    return read(backend, wave)


def who(backend, wave):
    return [os.getpid()] * len(wave)
