"""What every test shares: reproducible property tests, figures that need no display, one thread for each worker."""

import gc
import os
import sys
from collections.abc import Iterator

# Before NumPy and numba are imported. Two workers of one thread each leave nothing idle on two cores; a test that is
# about threads asks for them (`tests.threads`), for which there have to be two even where there is one core.
os.environ.setdefault("MPLBACKEND", "agg")
os.environ.setdefault("NUMBA_NUM_THREADS", str(max(2, os.cpu_count() or 1)))
if "PYTEST_XDIST_WORKER" in os.environ:
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")

import numba
import pytest
from hypothesis import settings

gc.set_threshold(50_000, 10, 10)  # every 700 objects, to look for rings among them takes a tenth of the time

settings.register_profile("default", derandomize=True, deadline=None, max_examples=40)
settings.register_profile("thorough", derandomize=False, deadline=None, max_examples=1000, print_blob=True)
settings.load_profile("default")  # `--hypothesis-profile thorough` overrides it


COMPILING = ("tests/simulate/", "tests/theory/claims/", "tests/theory/experiments/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What compiles kernels comes first, so that one of two workers does, while the other has tests that need none."""
    items.sort(key=lambda item: not item.nodeid.startswith(COMPILING))  # the rest keeps its order


def pytest_collection_finish() -> None:
    """What was collected stays to the end: the garbage collector need not look at it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def one_numba_thread_a_worker() -> None:
    """Kernels of a worker run on one thread, unless a test asks for more."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        numba.set_num_threads(1)


@pytest.fixture(autouse=True)
def torch_as_it_begins() -> Iterator[None]:
    """What a test draws from torch, or sets its threads to, must not hang on the tests that its worker ran before.

    Modules draw their weights from the generator that all share. Small tensors on two threads wait for each other.
    """
    if (torch := sys.modules.get("torch")) is not None:
        torch.default_generator.manual_seed(0)
    yield
    torch = sys.modules.get("torch")
    if torch is not None and "PYTEST_XDIST_WORKER" in os.environ and torch.get_num_threads() != 1:
        torch.set_num_threads(1)
