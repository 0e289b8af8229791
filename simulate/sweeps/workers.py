"""Who computes the chunks of a sweep: this process, or the workers of a Dask cluster."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numba
import xarray

from simulate.house import checks
from simulate.house.version import __version__
from simulate.machine.parallel import one_blas_thread
from simulate.runs.ensemble import run_ensemble
from simulate.sweeps.grid import Block, Grid

__all__ = ["Job", "check_client", "in_process", "on_cluster"]

_AHEAD = 2
"""Chunks under way for each thread of a cluster: one is computed, the next is there when it is done."""

Computed = Generator[tuple[Block, xarray.Dataset], None, None]
"""Blocks with their results; closing it stops what is not done yet."""

_RETRIES = 3
"""How often a chunk is tried again when it fails on a worker."""


@dataclass(frozen=True)
class Job:
    """What is done with every block: a pure function, which can be sent to other machines."""

    grid: Grid
    """The trainings."""
    engine: str
    """Name of the engine that takes the steps."""
    test_directions: int
    """Noise directions that each test error averages over."""
    observe: tuple[str, ...]
    """What is recorded on demand."""
    tau: float | None
    """Radius of SAM at which sharpness is observed; None if nothing asks for it."""
    version: str = field(default=__version__)
    """Version whose numbers these are."""

    def __post_init__(self) -> None:
        """Take NumPy's numbers for Python's, which JSON writes."""
        checks.plain_fields(self)

    def describe(self) -> dict[str, Any]:
        """All that decides the numbers, as JSON writes it."""
        options = {"engine": self.engine, "test_directions": self.test_directions, "observe": list(self.observe)}
        return {"version": self.version, **self.grid.describe(), **options, "tau": self.tau}

    def __call__(self, block: Block) -> xarray.Dataset:
        """Run the trainings of a block.

        Raises:
            RuntimeError: if this machine has another version than the one the job comes from.
        """
        if self.version != __version__:
            raise RuntimeError(f"The sweep is one of sharpmu {self.version}, but this worker has {__version__}.")
        with one_blas_thread():
            ended = run_ensemble(
                self.grid.cells(block),
                engine=self.engine,
                test_directions=self.test_directions,
                observe=self.observe,
                tau=self.tau,
            )
        return ended.drop_dims("label")  # stores stay as they were


def in_process(job: Job, blocks: Iterable[Block]) -> Computed:
    """Compute blocks in their order, on all threads; the next one is under way while one is written."""
    threads = numba.get_num_threads()

    def compute(block: Block) -> xarray.Dataset:
        numba.set_num_threads(threads)  # numba counts them for each thread that asks
        return job(block)

    under_way: deque[tuple[Block, Future[xarray.Dataset]]] = deque()
    with ThreadPoolExecutor(1) as ahead:
        try:
            for block in blocks:
                under_way.append((block, ahead.submit(compute, block)))
                if len(under_way) > 1:
                    ready, future = under_way.popleft()
                    yield ready, future.result()
            for ready, future in under_way:
                yield ready, future.result()
        finally:
            for _, future in under_way:
                future.cancel()


def check_client(client: Any) -> None:
    """Require a client of dask.distributed that waits for its results."""
    if not all(hasattr(client, name) for name in ("submit", "nthreads", "scheduler_info")):
        checks.fail("client", "be a dask.distributed.Client", client)
    if getattr(client, "asynchronous", False):
        checks.fail("client", "not be asynchronous", client)


def on_cluster(client: Any, job: Job, blocks: Iterable[Block]) -> Computed:
    """Compute blocks on a cluster, in whatever order they are done; few are under way at any time.

    A block whose worker dies is computed again on another one, by the scheduler. So is the job, which is sent to the
    cluster once and is not part of every task.
    """
    from distributed import as_completed  # dask, only when there is a client

    waiting = iter(blocks)
    under_way: dict[Any, Block] = {}
    done = as_completed()
    shared = client.submit(_same, job, pure=False)

    def submit_more() -> None:
        room = _AHEAD * max(1, sum(client.nthreads().values())) - len(under_way)
        for block in islice(waiting, max(0, room)):
            future = client.submit(_on_one_thread, shared, block, pure=False, retries=_RETRIES)
            under_way[future] = block
            done.add(future)

    try:
        submit_more()
        for future in done:
            block, data = under_way.pop(future), future.result()
            if isinstance(data, ValueError):
                raise data
            future.release()
            submit_more()
            yield block, data
    finally:
        client.cancel([shared, *under_way])


def _same(job: Job) -> Job:
    return job


def _on_one_thread(job: Job, block: Block) -> xarray.Dataset | ValueError:
    """A task takes the one thread of its worker that it runs on.

    What is wrong with an argument stays so however often it is tried: it is handed back, not raised, which would have
    it tried again.
    """
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        return job(block)
    except ValueError as error:
        return error
    finally:
        numba.set_num_threads(threads)
