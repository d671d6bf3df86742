"""Worker processes that each hold a model and do one piece of a wave at a time.

Processes and not threads, because llama.cpp's threads spin; one pipe a worker and not a shared pool, because
whoever dies must be known, with what it was doing. Workers are spawned, ignore Ctrl-C (the parent decides)
and leave when the parent is gone, even after kill -9.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext
from types import TracebackType
from typing import Any, Generic, TypeVar

from genair.errors import GenairError
from genair.llm import BACKENDS
from genair.llm.base import BackendSpec, LLMBackend

T = TypeVar("T")
Work = Callable[[LLMBackend, Sequence[Any]], Sequence[Any]]
_READY = "ready"
_STOPPING = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Task(Generic[T]):
    """Elements of one wave that a worker does together.

    Attributes:
        wave: number of the wave.
        positions: where the elements stand in their wave.
        elements: what the work function gets.
        tries: how often a worker may die of it before it is split, or, if it is one element, given up.
    """

    wave: int
    positions: tuple[int, ...]
    elements: tuple[T, ...]
    tries: int = 2


@dataclass(frozen=True)
class Heard:
    """What came of a task: its results, the error that the work raised, or the words for a worker's death."""

    task: Task[Any]
    results: Sequence[Any] = ()
    error: GenairError | None = None
    death: str = ""


class Crew:
    """At most `size` workers, started as there is work for them."""

    def __init__(self, work: Work, spec: BackendSpec, size: int) -> None:
        """Start nobody yet."""
        self._work, self._spec, self._size = work, spec, size
        self._context = multiprocessing.get_context("spawn")
        self._idle: list[_Worker] = []
        self._busy: list[_Worker] = []

    def __enter__(self) -> "Crew":
        """Return itself."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """End everybody now: what is in progress when the parent gives up is of no use."""
        for worker in [*self._idle, *self._busy]:
            worker.end()

    def has_room(self) -> bool:
        """Return whether a task would be begun at once."""
        return len(self._busy) < self._size

    def give(self, task: Task[Any]) -> None:
        """Begin a task."""
        worker = self._idle.pop() if self._idle else _Worker(self._context, self._work, self._spec)
        worker.begin(task)
        self._busy.append(worker)

    def listen(self, *others: Connection) -> list[Heard]:
        """Wait until a task ends or one of `others` has something to read; return the tasks that ended.

        Raises:
            GenairError: a worker died while it loaded the model.
        """
        ready = wait([*others, *(worker.pipe for worker in self._busy)])
        heard = []
        for worker in [worker for worker in self._busy if worker.pipe in ready]:
            news = worker.hear()
            if news is None:
                continue
            self._busy.remove(worker)
            heard.append(news)
            if news.death:
                worker.end()
            else:
                self._idle.append(worker)
        return heard


class _Worker:
    """The parent's end of one process."""

    def __init__(self, context: SpawnContext, work: Work, spec: BackendSpec) -> None:
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, work, spec), daemon=True)
        with _undisturbed():
            self._process.start()
        theirs.close()
        self._task: Task[Any] | None = None
        self._loaded = False

    def begin(self, task: Task[Any]) -> None:
        self._task = task
        with suppress(OSError):  # it died since: `hear` finds out
            self.pipe.send(task.elements)

    def hear(self) -> Heard | None:
        """Return what came of the task; None if it was only the news that the model is loaded."""
        if self._task is None:
            raise RuntimeError("this worker has nothing to do")
        try:
            message = self.pipe.recv()
        except (EOFError, OSError):
            if not self._loaded:
                raise GenairError(
                    f"a worker process died while it loaded the model ({self._cause()}): is there memory"
                    " enough? try fewer --workers"
                ) from None
            return Heard(self._task, death=self._cause())
        if message == _READY:
            self._loaded = True
            return None
        if isinstance(message, GenairError):
            return Heard(self._task, error=message)
        return Heard(self._task, results=message)

    def _cause(self) -> str:
        """Return how the process ended, e.g. `SIGKILL`."""
        self._process.join(5)
        code = self._process.exitcode
        if code is None or code >= 0:
            return f"exit status {code}"
        with suppress(ValueError):
            return signal.Signals(-code).name
        return f"signal {-code}"

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        with suppress(OSError):  # garbage is collected in any order: it may be closed
            self.pipe.close()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Put signals off while a process starts: interrupted in between, it would end with a traceback."""
    came: list[int] = []
    ours = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in _STOPPING} if ours else {}
    for number in before:
        signal.signal(number, lambda signum, _frame: came.append(signum))
    resource_tracker.ensure_running()  # it sets the mask itself, if it has to be started
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)  # what the new process starts with
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
        for signum in came:
            signal.raise_signal(signum)


def _serve(pipe: Connection, work: Work, spec: BackendSpec) -> None:
    """Be a worker: load the model, then answer every message with results or with what went wrong."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    backend: LLMBackend | None = None
    with suppress(EOFError, OSError):  # the parent has gone
        while True:
            elements = pipe.recv()
            try:
                if backend is None:
                    backend = BACKENDS.get(spec.backend)(spec)
                    pipe.send(_READY)
                answer: object = work(backend, elements)
            except GenairError as error:
                answer = error
            except MemoryError:
                answer = GenairError("not enough memory: try fewer --workers or a smaller --wave")
            except Exception as error:
                answer = GenairError(f"{type(error).__name__} in a worker process: {error}")
            pipe.send(answer)


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
