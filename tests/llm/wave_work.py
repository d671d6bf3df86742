"""What the worker processes of the tests do: a module of its own, for they import it by name."""

import os
import signal
import time
from dataclasses import dataclass

from genair.errors import InputError
from genair.llm.base import Answered
from genair.records import ChatPrompt, Failed


@dataclass(frozen=True)
class Thing:
    """A record that is a number."""

    number: int

    @property
    def item_id(self):
        return f"item-{self.number}"

    @property
    def where(self):
        return f"items.jsonl:{self.number}"

    @property
    def line(self):
        return {"number": self.number}

    @property
    def identity(self):
        return self.number


class DeadlySpec:
    """A backend that kills whoever opens it."""

    @property
    def backend(self):
        os.kill(os.getpid(), signal.SIGKILL)


def numbers_of(wave):
    return [thing.number for thing in wave]


def read(backend, wave):
    """Return (number, state) of each number; later waves are quicker, so that they finish out of order."""
    time.sleep(0.02 * max(0, 5 - wave[0].number))
    answered = [Answered(ChatPrompt("", f"item {n}", ""), " Anglers.", None, False) for n in numbers_of(wave)]
    pooled = backend.states(answered)
    return [(n, states.archetype.tobytes()) for n, states in zip(numbers_of(wave), pooled, strict=True)]


def fail_at_four(backend, wave):
    if 4 in numbers_of(wave):
        raise InputError("four is too many", where="items.jsonl:4")
    return read(backend, wave)


def fail_odd_ones(backend, wave):
    return [
        Failed(InputError("odd", where=thing.where), thing.line) if thing.number % 2 else thing.number
        for thing in wave
    ]


def die_of_four(backend, wave, diary, deaths, company=0):
    """Note every try of four in a file, and be killed by the first ones, if there is so much company."""
    if 4 in numbers_of(wave):
        with diary.open("a") as file:
            file.write(f"{numbers_of(wave)}\n")
        if len(diary.read_text().splitlines()) <= deaths and len(wave) > company:
            os.kill(os.getpid(), signal.SIGKILL)
    return read(backend, wave)


def leave_at_four(backend, wave):
    if 4 in numbers_of(wave):
        os._exit(3)
    return read(backend, wave)


def divide_by_zero(backend, wave):
    return [1 // 0 for _ in wave]


def run_out_of_memory(backend, wave):
    raise MemoryError


def who(backend, wave):
    return [os.getpid()] * len(wave)
