"""Sharing trajectories among threads.

Kernels release the interpreter lock and work on a range of trajectories, so plain threads run them side by side. No
trajectory is ever split, and none sees another: the number of threads changes no bit of any result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock

import numba
from threadpoolctl import threadpool_limits

__all__ = ["in_threads", "one_blas_thread"]

_PIECES = 8
"""Pieces per thread: trajectories may differ widely in length, and a free thread takes the next piece."""


def in_threads(work: Callable[[int, int], object], count: int) -> None:
    """Call work(first, last) on ranges that together cover 0..count, in as many threads as numba would use.

    Args:
        work: Does the trajectories first, …, last - 1; it should release the interpreter lock.
        count: Number of trajectories.
    """
    threads = min(numba.get_num_threads(), count)
    if threads <= 1:
        work(0, count)
        return
    pieces = min(count, _PIECES * threads)
    edges = [count * piece // pieces for piece in range(pieces + 1)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, edges[:-1], edges[1:]))


_lock, _limits = Lock(), list[threadpool_limits]()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Matrix products on one thread, so that their rounding does not depend on the number of cores.

    The limit is one of the whole process: the first to come sets it, the last to leave lifts it.
    """
    with _lock:
        _limits.append(_limits[0] if _limits else threadpool_limits(limits=1, user_api="blas"))
    try:
        yield
    finally:
        with _lock:
            last = _limits.pop()
            if not _limits:
                last.restore_original_limits()
