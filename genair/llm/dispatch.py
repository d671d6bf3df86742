"""Waves over worker processes: results come back in the order of the input.

A worker computes whole waves with one thread, so the bytes do not depend on how many workers there are. The
input is read in a thread of its own: results are handed on while it is slow. What was read and not yet handed
on is bounded, so memory stays flat however long the input is.
"""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from multiprocessing import Pipe
from queue import Empty, Full, Queue
from types import TracebackType
from typing import Generic, TypeVar

from genair.errors import GenairError
from genair.llm import BACKENDS
from genair.llm.base import BackendSpec, LLMBackend
from genair.llm.waves import Record, Unit, Wave, unit_key
from genair.llm.workers import Crew, Heard, Task
from genair.records import Failed

T = TypeVar("T", bound=Record)
R = TypeVar("R")
Work = Callable[[LLMBackend, Sequence[T]], list[R | Failed]]
_AHEAD = 2  # waves per worker that are read before the oldest is handed on
_POLL_S = 0.1


def map_waves(
    work: Work[T, R], waves: Iterable[Wave[T]], spec: BackendSpec, workers: int
) -> Generator[Unit[R], None, None]:
    """Yield what came of each wave, in order; to be closed by whoever does not take them all.

    A wave whose worker dies is tried once more, then record by record; a record whose worker dies
    even then is a `Failed` that names it.

    Args:
        work: a module-level function; gets the records that have not failed, gives one result each.
        waves: read in another thread, at most three per worker and one ahead of the output.
        spec: the backend each worker opens.
        workers: processes; 0 works in this process.

    Raises:
        GenairError: whatever `work` or reading raises, or a worker died loading its model.
    """
    if workers == 0:
        backend = BACKENDS.get(spec.backend)(spec)
        for wave in waves:
            pending: _Pending[T, R] = _Pending(wave)
            task = pending.task(0)
            if task.elements:
                pending.take(Heard(task, work(backend, task.elements)))
            yield pending.outcome()
        return
    with _Reader(waves, workers) as reader, Crew(work, spec, workers) as crew:
        yield from _Foreman(crew, reader, _AHEAD * workers).outcomes()


class _Pending(Generic[T, R]):
    """A wave that was read and not yet handed on."""

    def __init__(self, wave: Wave[T]) -> None:
        self.wave = wave
        self._came: dict[int, R | Failed] = {
            index: record for index, record in enumerate(wave) if isinstance(record, Failed)
        }
        self._error: GenairError | None = None

    def task(self, number: int) -> Task[T]:
        positions = tuple(index for index in range(len(self.wave)) if index not in self._came)
        return Task(number, positions, tuple(self._record(index) for index in positions))

    def take(self, heard: Heard) -> None:
        self._error = self._error or heard.error
        self._came.update(zip(heard.task.positions, heard.results, strict=not heard.error))

    def give_up(self, task: Task[T], death: str) -> None:
        """Note that the one record of a task cannot be done."""
        (position,) = task.positions
        record = self._record(position)
        message = f"item {record.item_id!r}: the worker process died of it, three times ({death})"
        self._came[position] = Failed(GenairError(message, where=record.where), record.line)

    def is_whole(self) -> bool:
        return self._error is not None or len(self._came) == len(self.wave)

    def outcome(self) -> Unit[R]:
        if self._error is not None:
            raise self._error
        return Unit(unit_key(self.wave), [self._came[index] for index in range(len(self.wave))])

    def _record(self, position: int) -> T:
        record = self.wave[position]
        if isinstance(record, Failed):
            raise TypeError("a record that failed is no work")
        return record


class _Reader(Generic[T]):
    """Reads waves in a thread.

    Attributes:
        news: becomes readable when there is another wave, or no more.
        ended: whether all waves were taken.
        error: what ended the reading, if it was an error.
    """

    def __init__(self, waves: Iterable[Wave[T]], ahead: int) -> None:
        self._waves = waves
        self._queue: Queue[Wave[T] | None] = Queue(ahead)
        self.error: BaseException | None = None
        self._closed = threading.Event()
        self.news, self._bell = Pipe(duplex=False)
        self.ended = False

    def __enter__(self) -> "_Reader[T]":
        threading.Thread(target=self._read, name="genair-reader", daemon=True).start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._closed.set()

    def next(self) -> Wave[T] | None:
        """Return the next wave if there is one already."""
        try:
            wave = None if self.ended else self._queue.get_nowait()
        except Empty:
            return None
        if not self.ended:
            self.news.recv_bytes()
            self.ended = wave is None
        return wave

    def _read(self) -> None:
        try:
            for wave in self._waves:
                self._put(wave)
                if self._closed.is_set():
                    return
        except BaseException as error:
            self.error = error
        self._put(None)

    def _put(self, wave: Wave[T] | None) -> None:
        while not self._closed.is_set():
            try:
                self._queue.put(wave, timeout=_POLL_S)
            except Full:
                continue
            self._bell.send_bytes(b".")
            return


class _Foreman(Generic[T, R]):
    """Hands out waves, hears of their ends, and gives results in order."""

    def __init__(self, crew: Crew, reader: _Reader[T], ahead: int) -> None:
        self._crew, self._reader, self._ahead = crew, reader, ahead
        self._again: deque[Task[T]] = deque()
        self._pending: dict[int, _Pending[T, R]] = {}
        self._read = self._due = 0

    def outcomes(self) -> Iterator[Unit[R]]:
        while True:
            self._hand_out()
            while self._due in self._pending and self._pending[self._due].is_whole():
                pending = self._pending.pop(self._due)
                self._due += 1
                yield pending.outcome()
            if self._reader.ended and not self._pending:
                break
            self._listen()
        if self._reader.error is not None:
            raise self._reader.error

    def _hand_out(self) -> None:
        while self._crew.has_room():
            task = self._again.popleft() if self._again else self._next_task()
            if task is None:
                return
            self._crew.give(task)

    def _next_task(self) -> Task[T] | None:
        while self._read - self._due < self._ahead:
            wave = self._reader.next()
            if wave is None:
                return None
            pending: _Pending[T, R] = _Pending(wave)
            self._pending[self._read] = pending
            task = pending.task(self._read)
            self._read += 1
            if task.elements:
                return task
        return None

    def _listen(self) -> None:
        wanted = not self._reader.ended and self._crew.has_room() and self._read - self._due < self._ahead
        for heard in self._crew.listen(*([self._reader.news] if wanted else [])):
            if heard.death:
                self._mourn(heard)
            else:
                self._pending[heard.task.wave].take(heard)

    def _mourn(self, heard: Heard) -> None:
        """Decide what becomes of a task whose worker died."""
        task = heard.task
        if task.tries > 1:
            self._again.append(Task(task.wave, task.positions, task.elements, task.tries - 1))
        elif len(task.positions) == 1:
            self._pending[task.wave].give_up(task, heard.death)
        else:
            singles = zip(task.positions, task.elements, strict=True)
            self._again.extend(Task(task.wave, (p,), (element,), 1) for p, element in singles)
