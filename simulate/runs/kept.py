"""A run whose result goes to disk, and which an interruption does not lose: the same call resumes it."""

from __future__ import annotations

import json
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

import xarray

from simulate.dynamics.phases import Phase
from simulate.house import checks
from simulate.house.files import naming, take_place
from simulate.house.records.attributes import write_attributes
from simulate.house.records.record import make_record
from simulate.house.storage import MADE_BY, check_path, check_store, is_there, load, record_of, save
from simulate.problems.problem import Problem
from simulate.runs.checkpoint import Checkpoint, Keeper
from simulate.runs.record import Record
from simulate.runs.run import Progress, check_phases, run

__all__ = ["run_to_disk"]

_SECONDS = 10.0
"""Seconds of a run that a kill may lose."""

_SHARE = 0.02
"""Part of the time that keeping may take."""

_STATE = "state.npz"
"""Where an unfinished run stands, in its store."""


def run_to_disk(
    out: str | Path,
    problem: Problem,
    phases: Sequence[Phase],
    *,
    seed: int = 0,
    engine: str = "numba",
    record: Record | None = None,
    test_directions: int = 1024,
    progress: Progress | None = None,
    overwrite: bool = False,
) -> xarray.Dataset:
    """Train one network through phases, into a zarr store.

    A finished run is opened. One that was interrupted resumes, and ends with the same bits: it is
    kept at Ctrl-C, and every ten seconds in case it is killed.

    Args:
        out: Folder of the store.
        problem: The problem.
        phases: The phases.
        seed: Seed of everything random.
        engine: Name of the engine; see `simulate.run`.
        record: What is recorded; None takes `Record()`.
        test_directions: Noise directions the test error averages over.
        progress: As in `simulate.run`.
        overwrite: Whether other results in `out` are replaced; what is not ours, or damaged, never is.

    Returns:
        The trace and the end of the run; see `simulate.Result.to_dataset`.

    Raises:
        ValueError: if an argument is out of range, or the place holds something else; of another result of ours the
            differences are named.
        OSError: if it cannot be written.
    """
    check_path(out)
    if not isinstance(problem, Problem):
        checks.fail("problem", "be a Problem", problem)
    check_phases(phases)
    record = Record() if record is None else record
    options: dict[str, Any] = {"seed": seed, "engine": engine, "test_directions": test_directions, "record": record}
    path = Path(out)
    asked = _record(problem, phases, options)
    if check_store(path, asked, overwrite=overwrite):
        return load(path, name="out")
    with _patient() as pressed:
        keeper = _OnDisk(path, asked, record, pressed)
        result = run(problem, phases, **options, progress=progress, keeper=keeper)
        save(result.to_dataset().assign_attrs({MADE_BY: json.dumps(asked)}), path, overwrite=True)
    return load(path, name="out")


def _record(problem: Problem, phases: Sequence[Phase], options: dict[str, Any]) -> dict[str, Any]:
    """All that decides what a run leaves."""
    if not isinstance(options["record"], Record):
        checks.fail("record", "be a Record", options["record"])
    described = {
        phase.name: asdict(phase) | {"objective": repr(phase.objective), "optimizer": repr(phase.optimizer)}
        for phase in phases
    }
    own = {"problem": problem.described(), "order": [phase.name for phase in phases], "phases": described}
    plain = {name: asdict(value) if isinstance(value, Record) else value for name, value in options.items()}
    return make_record("simulate run", json.loads(json.dumps({**own, **plain}, default=repr)))


class _OnDisk(Keeper):
    """Keeps a run in its store: now and then, and when the user interrupts it.

    Args:
        path: Folder of the store.
        asked: The record of the run.
        record: What it records.
        pressed: Whether the user wants it to end.
    """

    def __init__(self, path: Path, asked: dict[str, Any], record: Record, pressed: Callable[[], bool]) -> None:
        self._path, self._asked, self._observe, self._pressed = path, asked, record.observe, pressed
        self._next = time.monotonic() + _SECONDS

    def begun(self) -> Checkpoint | None:
        """Where an earlier call was interrupted."""
        state = self._path / _STATE
        if not is_there(state) or not _is_of(self._path, self._asked):
            return None
        return Checkpoint.read(state, self._observe)

    def stands(self, make: Callable[[], Checkpoint]) -> None:
        """Keep it, if it is time.

        Raises:
            KeyboardInterrupt: if the user pressed Ctrl-C.
        """
        begun = time.monotonic()
        stopped = self._pressed()
        if not stopped and begun < self._next:
            return
        checkpoint = make()
        self._keep(checkpoint)
        ended = time.monotonic()
        self._next = ended + max(_SECONDS, (ended - begun) / _SHARE)
        if stopped:
            where = f"step {checkpoint.state.steps:,} of phase {checkpoint.state.phase}"
            raise KeyboardInterrupt(f"the same command goes on from {where}")

    def _keep(self, checkpoint: Checkpoint) -> None:
        if not (is_there(self._path) and _is_of(self._path, self._asked)):
            self._make()
        checkpoint.write(self._path / _STATE)

    def _make(self) -> None:
        """Make the store of an unfinished run: attributes that say whose it is, and no mark."""
        fresh, old = (self._path.with_name(f".{self._path.name}.{word}") for word in ("new", "old"))
        with naming(self._path):
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(parents=True)
            (fresh / ".zgroup").write_text('{"zarr_format": 2}', encoding="utf-8")
            write_attributes(fresh, {MADE_BY: json.dumps(self._asked)})
            take_place(fresh, self._path, old)
            shutil.rmtree(old, ignore_errors=True)


def _is_of(path: Path, asked: dict[str, Any]) -> bool:
    """Whether a store is of this run, finished or not."""
    return record_of(path) == asked


@contextmanager
def _patient() -> Iterator[Callable[[], bool]]:
    """Ctrl-C waits until the run stands where it can be kept; pressed again, it does not wait.

    It yields whether it was pressed.
    """
    heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not where somebody else listens
    if not heard or threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    pressed: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if pressed:
            raise KeyboardInterrupt
        pressed.append(number)

    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
