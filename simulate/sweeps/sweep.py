"""Sweeps: every combination of some axes with every seed, chunk by chunk, on this machine or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import xarray

from simulate.dynamics.phases import Phase
from simulate.house import checks
from simulate.house.storage import check_path
from simulate.problems.problem import Problem
from simulate.runs.measure import MOST_DIRECTIONS
from simulate.sweeps.grid import make_grid
from simulate.sweeps.growth import places_of
from simulate.sweeps.opening import open_store
from simulate.sweeps.workers import Job, check_client, in_process, on_cluster

__all__ = ["sweep"]

Progress = Callable[[int, int], None]


def sweep(
    problem: Problem,
    phases: Sequence[Phase],
    *,
    axes: Mapping[str | tuple[str, ...], Iterable[Any]],
    seeds: Iterable[int],
    out: str | Path | None = None,
    engine: str = "numba",
    client: Any = None,
    coupled: Mapping[str, str] | None = None,
    test_directions: int = 256,
    observe: Sequence[str] = (),
    tau: float | None = None,
    chunk: int | None = None,
    progress: Progress | bool | None = None,
    overwrite: bool = False,
) -> xarray.Dataset:
    """Train at every combination of some axes, with every seed.

    A training's numbers depend on its parameters and seed alone: neither chunks, interruptions, threads nor workers
    change a bit. Trainings that share a seed share their random numbers.

    Args:
        problem: The problem, where no axis changes it.
        phases: The phases, where no axis changes them.
        axes: Values by name. A name is a field of the problem ("d"), or of a phase, its objective or its optimizer
            ("unlearn.steps", "unlearn.alpha", "pretrain.tau"; "unlearn.optimizer.on" where the short name could be
            two things), or a whole objective or optimizer ("unlearn.optimizer"). A tuple of names has tuples of
            values, which move together along one dimension: {("d", "signal"): [(1000, 2.0), (4000, 3.0)]} makes
            the dimension "d_signal". Without axes the seeds run alone.
        seeds: The seeds, the last dimension.
        out: Folder for a zarr store. A sweep that was interrupted resumes. One that is asked for more
            seeds or values of its axes, finished or not, grows: what is there stays, bit for bit. One with another
            configuration is refused. Without it nothing is written.
        engine: Name of the engine; see `simulate.run`. "dense" draws other data from the same seeds.
        client: A `dask.distributed.Client` whose workers compute the chunks, one thread each; None takes this
            process and all its threads.
        coupled: What follows from the problem and the axes, as arithmetic: {"sigma_0": "0.1*sqrt(n)/d", "fit.lr":
            "0.1*n*m/d"}; see `simulate.sweeps.expressions`. A formula may use those before it.
        test_directions: Noise directions each test error averages over.
        observe: What is observed at the end of every phase; see `simulate.Record`.
        tau: Radius of deactivation and sharpness; None takes the optimizer's own.
        chunk: Most trainings of a chunk, which is what an interruption can lose and what must fit in memory; None
            takes what a store already has, or some seconds of computing. A sweep that grows keeps its own.
        progress: Called with the trainings that are there and those of the whole sweep, after every chunk; True draws
            a bar with the time left on the terminal.
        overwrite: Whether other results in `out` are replaced; what is not ours, or damaged, never is.

    Returns:
        Dataset with a dimension for each axis and "seed": the variables of `simulate.runs.ensemble.run_ensemble`, what
        was observed along "phase", and the coupled quantities as coordinates. With `out` it is opened, not loaded:
        values are read from disk when they are looked at.

    Raises:
        ValueError: if an argument is out of range or a cell of the grid is not possible, before anything runs; if
            `out` holds something else, or damaged chunks.
        OSError: if a chunk cannot be written. What is finished stays so.

    Example:
        >>> from simulate import SGD, Loss, Phase, Problem
        >>> fit = Phase("fit", Loss(), SGD(), steps=50)
        >>> data = sweep(Problem(n=8, m=2), [fit], axes={"d": [500, 1000]}, seeds=range(3), coupled={"fit.lr": "8/d"})
        >>> dict(data.sizes)
        {'d': 2, 'seed': 3, 'phase': 1}
    """
    grid = make_grid(problem, phases, axes, seeds, coupled)
    checks.integer("test_directions", test_directions, least=16, most=MOST_DIRECTIONS)
    if chunk is not None:
        checks.integer("chunk", chunk, least=1)
    check_path(out)
    if isinstance(observe, str) or not isinstance(observe, Sequence) or not all(isinstance(w, str) for w in observe):
        checks.fail("observe", "be a list of words", observe)
    if client is not None:
        check_client(client)
    if not (progress is None or isinstance(progress, bool) or callable(progress)):
        checks.fail("progress", "be a function, True, False or None", progress)
    job = Job(grid, engine, test_directions, tuple(observe), tau)
    checks.boolean("overwrite", overwrite)
    store, job = open_store(job, chunk, None if out is None else Path(out), here=client is None, overwrite=overwrite)
    missing = store.missing()
    with _teller(progress, grid.size) as tell:
        done = grid.size - sum(block.missing for block in missing)
        tell(done)
        with closing(in_process(job, missing) if client is None else on_cluster(client, job, missing)) as computed:
            for block, data in computed:
                store.write(block, data)
                done += block.missing
                tell(done)
    data = store.finish()
    places = places_of(grid, job.grid)
    return data.isel(places) if places else data


@contextmanager
def _teller(progress: Progress | bool | None, total: int) -> Iterator[Callable[[int], None]]:
    """What is told how many trainings are done."""
    if progress is True:
        from simulate.house.terminal import progress_bar  # rich, only when a bar is drawn

        with progress_bar() as bar:
            task = bar.add_task("trainings", total=total, start=False)

            def draw(done: int) -> None:
                if not bar.tasks[0].started:  # what was there before says nothing about the time left
                    bar.start_task(task)
                bar.update(task, completed=done)

            yield draw
    elif callable(progress):
        yield lambda done: progress(done, total)
    else:
        yield lambda done: None
