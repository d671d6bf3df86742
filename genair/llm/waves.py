"""Waves over worker processes: results come back in the order of the input.

A worker computes whole waves with one thread, so the bytes do not depend on how many workers there are. At
most two waves per worker are in flight, so memory stays flat however long the input is. Workers are spawned,
ignore Ctrl-C (the parent decides) and leave when the parent is gone, even after kill -9.
"""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from itertools import islice
from multiprocessing.connection import wait
from typing import Any, TypeVar

from genair.errors import GenairError
from genair.llm import BACKENDS
from genair.llm.base import BackendSpec, LLMBackend

T = TypeVar("T")
R = TypeVar("R")
Work = Callable[[LLMBackend, Sequence[T]], list[R]]
_specs: list[BackendSpec] = []  # one in a worker process, none in the parent


def waves_of(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Cut a stream into runs of `size` consecutive items, the last one shorter."""
    iterator = iter(items)
    while wave := list(islice(iterator, size)):
        yield wave


def map_waves(
    work: Work[T, R], waves: Iterable[Sequence[T]], spec: BackendSpec, workers: int
) -> Iterator[list[R]]:
    """Yield `work(backend, wave)` for each wave, in order.

    Args:
        work: a module-level function.
        waves: read lazily, at most two per worker ahead of the output.
        spec: the backend each worker opens.
        workers: processes; 1 works in this process.

    Raises:
        GenairError: whatever `work` raises, or a worker process died.
    """
    if workers == 1:
        backend = BACKENDS.get(spec.backend)(spec)
        for wave in waves:
            yield work(backend, wave)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_open, initargs=(spec,))
    try:
        pending: deque[Future[list[R]]] = deque()
        for wave in waves:
            pending.append(pool.submit(_run, work, wave))
            if len(pending) >= 2 * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    except BrokenProcessPool as error:
        raise GenairError("a worker process died (out of memory, or killed): try fewer --workers") from error
    finally:
        _stop(pool)


def _stop(pool: ProcessPoolExecutor) -> None:
    """End the workers now: a wave in progress when the parent gives up is of no use to anybody."""
    processes = list((getattr(pool, "_processes", None) or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()


def _open(spec: BackendSpec) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    _specs.append(spec)


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _run(work: Work[Any, Any], wave: Sequence[Any]) -> list[Any]:
    return work(_backend(), wave)


@cache
def _backend() -> LLMBackend:
    """Open the worker's backend at its first wave, where an error finds its way to the parent."""
    return BACKENDS.get(_specs[0].backend)(_specs[0])
