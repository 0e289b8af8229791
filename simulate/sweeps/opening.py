"""Which store a sweep writes to: a new one, that of the same sweep, or that of a smaller one, which then grows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from simulate.house.records.differences import differences
from simulate.house.records.record import refusal
from simulate.house.storage import is_there
from simulate.sweeps.chunks import Memory, Store
from simulate.sweeps.growth import arranged, earlier
from simulate.sweeps.places import read_configuration
from simulate.sweeps.rehearsal import Template, rehearse
from simulate.sweeps.workers import Job

__all__ = ["open_store"]

_SECONDS = 2.0
"""What a chunk of the default size takes on two cores, roughly."""

_MOST, _SPEED = {"cupy": 16_384}, {"cupy": 100.0}
"""Most trainings of a chunk of the default size and speed relative to two cores, where they are not 4096 and 1."""


def open_store(
    job: Job, chunk: int | None, path: Path | None, *, here: bool, overwrite: bool
) -> tuple[Memory | Store, Job]:
    """Where the chunks go: memory, a new store, or the store of this sweep, whose chunks then stay as they are.

    Args:
        job: What is asked for.
        chunk: Most trainings of a chunk of a new store, or None.
        path: Folder of the store, or None for memory.
        here: Whether this machine computes.
        overwrite: Whether other results of ours may be replaced.

    Returns:
        The store, and the job, whose grid has its points in the order of the store.

    Raises:
        ValueError: if something else is there; of another sweep it names the differences.
        OSError: if the store cannot be made.
    """
    stored = None if path is None else read_configuration(path, overwrite=overwrite)
    held = None if stored is None else _held(job, stored)
    job = job if held is None else held
    same = held is not None and stored is not None and earlier(held.grid, stored).shape == held.grid.shape
    template = rehearse(
        job.grid, engine=job.engine, observe=job.observe, tau=job.tau, here=here, tried_before=same
    )  # fmt: skip
    if held is None and stored is not None and not overwrite:
        raise ValueError(refusal(Path(path or ""), differences(_without_chunk(stored), job.describe()), name="out"))
    shape = job.grid.block_shape(_default_chunk(template, job.engine) if chunk is None else chunk)
    if held is not None and stored is not None:
        shape = tuple(stored["chunk"])
    attributes = {"configuration": json.dumps({**job.describe(), "chunk": list(shape)})}
    if path is None:
        return Memory(job.grid, template, shape, attributes), job
    if held is None or stored is None:
        return Store(path, job.grid, template, shape, attributes, instead=overwrite and is_there(path)), job
    store = Store(path, earlier(held.grid, stored), template, shape, attributes)
    return (store if same else store.grown(job.grid, attributes)), job


def _held(job: Job, stored: Mapping[str, Any]) -> Job | None:
    """The job in the order of a store that holds a part of it, or all; None if the store is of another sweep."""
    grid = arranged(job.grid, stored)
    if grid is None:
        return None
    beginning = replace(job, grid=earlier(grid, stored)).describe()
    return None if differences(_without_chunk(stored), beginning) else replace(job, grid=grid)


def _without_chunk(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration but for the size of its chunks, which decides nothing and stays what it was."""
    return {name: value for name, value in configuration.items() if name != "chunk"}


def _default_chunk(template: Template, engine: str) -> int:
    """Trainings of a chunk of the default size."""
    seconds = (4e-4 + template.work / 1e10) / _SPEED.get(engine, 1.0)
    return max(1, min(_MOST.get(engine, 4096), round(_SECONDS / seconds)))
