"""A long call into C that Ctrl-C ends at once.

Python runs signal handlers between its own instructions, in the main thread: while that is inside C nothing
happens. So the call runs in another thread (ctypes lets go of the interpreter), the main thread waits where
it can be interrupted, and the library's own abort callback tells the call to give up.

An interrupt may be raised between any two instructions of the main thread, also inside of `Thread.join`,
`Condition` and `ThreadPoolExecutor.submit`, which then lose count of what runs. `SimpleQueue` is written in
C: what was put is there and what was got is gone, whatever is interrupted. A signal that comes just before
it waits in C does not wake it, so it waits for a moment at a time.
"""

import multiprocessing
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import NamedTuple

MOMENT = 0.1  # seconds


class _Done(NamedTuple):
    """What a call gave: a value, or an error."""

    function: Callable[[], int]
    value: int = 0
    error: BaseException | None = None


class Interruptible:
    """Runs calls.

    Attributes:
        stop: what an abort callback should return.
        needed: whether the main thread would wait in C otherwise.
    """

    def __init__(self) -> None:
        """Start no thread yet: worker processes need none, their parent ends them."""
        self.stop = False
        here = threading.current_thread() is threading.main_thread()
        self.needed = here and multiprocessing.parent_process() is None
        self._thread: threading.Thread | None = None
        self._todo: SimpleQueue[Callable[[], int] | None] = SimpleQueue()
        self._done: SimpleQueue[_Done] = SimpleQueue()

    def call(self, function: Callable[[], int]) -> int:
        """Return what the function returns.

        Raises:
            KeyboardInterrupt: or whatever else a signal handler raised; the function has ended by then.
        """
        if not self.needed:
            return function()
        if self._thread is None:
            thread = threading.Thread(target=self._serve, name="genair-decode", daemon=True)
            thread.start()
            self._thread = thread
        try:
            self._todo.put(function)
            done = self._next()
        except BaseException:
            self.stop = True
            self._wait()
            raise
        if done.error is not None:
            raise done.error
        return done.value

    def close(self) -> None:
        """End the thread, and what it does."""
        if self._thread is not None:
            self._wait()
            self._todo.put(None)
            self._thread = None

    def _serve(self) -> None:
        for function in iter(self._todo.get, None):
            try:
                done = _Done(function, function())
            except BaseException as error:  # for the main thread to raise
                done = _Done(function, error=error)
            self._done.put(done)

    def _next(self) -> _Done:
        while True:
            try:
                return self._done.get(timeout=MOMENT)
            except Empty:
                continue

    def _wait(self) -> None:
        """Return when all that was to do is done: what is put last comes back last."""

        def last() -> int:
            return 0

        self._todo.put(last)
        while self._next().function is not last:
            pass
