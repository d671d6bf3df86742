"""A long call into C that Ctrl-C ends at once.

Python runs signal handlers between its own instructions, in the main thread: while that is inside C nothing
happens. So the call runs in another thread (ctypes lets go of the interpreter), the main thread waits where
it can be interrupted, and the library's own abort callback tells the call to give up.
"""

import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


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
        self._pool: ThreadPoolExecutor | None = None

    def call(self, function: Callable[[], int]) -> int:
        """Return what the function returns.

        Raises:
            KeyboardInterrupt: or whatever else a signal handler raised; the function has ended by then.
        """
        if not self.needed:
            return function()
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, "genair-decode")
        try:  # an interrupt may come as soon as the function runs, before anybody waits for it
            return self._pool.submit(function).result()
        except BaseException:
            self.stop = True
            self._pool.shutdown(wait=True, cancel_futures=True)
            raise

    def close(self) -> None:
        """End the thread."""
        if self._pool is not None:
            self._pool.shutdown(wait=True)
