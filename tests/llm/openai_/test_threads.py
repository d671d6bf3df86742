"""Many at once, in order, and an end without waiting."""

import threading
import time

import pytest

from genair.llm.openai_.threads import in_threads


def test_results_come_in_the_order_of_the_jobs():
    assert in_threads(lambda n: (time.sleep(0.02 * (5 - n)), n)[1], range(6), 6) == list(range(6))


def test_so_many_at_once_and_no_more():
    lock, now, most = threading.Lock(), [0], [0]

    def work(_):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.02)
        with lock:
            now[0] -= 1

    in_threads(work, range(12), 3)
    assert most == [3]


def test_no_jobs_no_threads():
    assert in_threads(str, [], 4) == []


def test_an_error_ends_it_at_once_and_nothing_new_begins():
    begun, hold = [], threading.Event()

    def work(number):
        begun.append(number)
        if number == 1:
            raise ValueError("no")
        hold.wait(30)

    start = time.monotonic()
    with pytest.raises(ValueError, match=r"^no$"):
        in_threads(work, range(50), 2)
    assert time.monotonic() - start < 10
    hold.set()
    time.sleep(0.05)
    assert begun == [0, 1]
