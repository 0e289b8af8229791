"""Sharing trajectories among threads.

Kernels release the interpreter lock and work on a range of trajectories, so plain threads run them side by side. No
trajectory is ever split, and none sees another: the number of threads changes no bit of any result.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numba

__all__ = ["in_threads"]

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
