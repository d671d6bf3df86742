"""Waiting for many answers at once.

The threads are daemons, so that Ctrl-C and errors end the process at once: nobody waits for answers, or for
the pauses between retries, that no longer matter.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_threads(work: Callable[[T], R], jobs: Sequence[T], size: int) -> list[R]:
    """Return what `work` makes of each job, in the order of the jobs; at most `size` are done at a time.

    Raises:
        Exception: the first that `work` raised; jobs that had not begun are not begun then.
    """
    futures: list[Future[R]] = [Future() for _ in jobs]
    waiting: SimpleQueue[tuple[Future[R], T]] = SimpleQueue()
    for pair in zip(futures, jobs, strict=True):
        waiting.put(pair)
    over = threading.Event()

    def serve() -> None:
        with suppress(Empty):
            while not over.is_set():
                if not _settle(work, *waiting.get_nowait()):
                    over.set()

    try:
        for number in range(min(size, len(jobs))):
            threading.Thread(target=serve, name=f"genair-ask-{number}", daemon=True).start()
        ended, _ = wait(futures, return_when=FIRST_EXCEPTION)
        for future in ended:
            future.result()
        return [future.result() for future in futures]
    finally:
        over.set()


def _settle(work: Callable[[T], R], future: Future[R], job: T) -> bool:
    """Do a job, and return whether it went well."""
    try:
        future.set_result(work(job))
    except Exception as error:
        future.set_exception(error)
        return False
    return True
