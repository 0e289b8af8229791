"""How many threads a test runs on."""

from collections.abc import Iterator
from contextlib import contextmanager

import numba

__all__ = ["numba_threads"]


@contextmanager
def numba_threads(count: int) -> Iterator[None]:
    """Kernels on so many threads; `tests.conftest` sees to it that there can be two on any machine."""
    before = numba.get_num_threads()
    numba.set_num_threads(count)
    try:
        yield
    finally:
        numba.set_num_threads(before)
