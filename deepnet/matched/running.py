"""Run a matched study: which rows are missing, who makes them, and the text file they end up in."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from deepnet.data.datasets import Dataset, load
from deepnet.house import parallel
from deepnet.house.crew import Crew, Need, Watch
from deepnet.house.environment import hardware, versions
from deepnet.house.identity import as_json, key_of
from deepnet.house.repository import commit
from deepnet.matched.records import in_order, read_rows, write_rows
from deepnet.matched.replicate import Replicate, Still
from deepnet.matched.study import Arm, MatchedStudy
from deepnet.matched.unlearning import arm_config, arm_row, still_config, still_row
from deepnet.studies.planning.appraisal import Appraisal
from deepnet.studies.running import Job, Progress
from deepnet.studies.stages import Execution
from deepnet.studies.store import Store
from simulate.house.files import write_text

__all__ = ["MatchedWork", "rows_of", "run_matched", "wanted"]

_STEP = 0.03
"""Seconds of a step that is watched, of the smallest network; good for comparing jobs."""
_ROWS = "rows.jsonl"
"""The text file of a study's own rows."""
_OFTEN = 60.0
"""Seconds between two writings of the text file while rows come in."""


@dataclass(frozen=True)
class MatchedWork:
    """Makes the missing rows of a replicate; equal ones make the same, so each process needs but one."""

    study: MatchedStudy
    """The study."""
    folder: Path
    """Folder of its results."""
    rows: str
    """Name of the text file in it whose rows need not be made again."""
    execution: Execution = field(default_factory=Execution)
    """Where to compute."""

    @cached_property
    def whole(self) -> Dataset:
        """The images; they stay with the process."""
        return load(self.study.data, self.execution.device)

    @cached_property
    def store(self) -> Store:
        """Where networks and rows lie until they are text."""
        return Store(self.folder)

    def __getstate__(self) -> dict[str, Any]:
        """The configuration alone: images do not travel to other processes."""
        return {name: value for name, value in vars(self).items() if name not in ("whole", "store")}

    def replicate(self, number: int) -> Replicate:
        """One of the replicates."""
        return Replicate(self.study, number, self.store, self.execution, self.whole)

    @property
    def texts(self) -> dict[str, dict[str, Any]]:
        """The rows of the text file, by their keys."""
        return read_rows(self.folder / self.rows)

    def known(self, replicate: Replicate, texts: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
        """The rows of a replicate that are there, in the text file or in the store, by their keys."""
        found: dict[str, Mapping[str, Any]] = {}
        for config in wanted(replicate).values():
            key = key_of(config)
            row = texts.get(key) or self.store.row(config)
            if row is not None:
                found[key] = row
        return found

    def __call__(self, number: int, tell: Callable[[float], None]) -> None:
        """Make the rows of a replicate that are missing: networks as they are first, then its arms in their order."""
        with _threads(self.study.threads):
            replicate = self.replicate(number)
            known = self.known(replicate, self.texts)
            every = wanted(replicate)
            missing = [(one, config) for one, config in every.items() if key_of(config) not in known]
            for place, (one, config) in enumerate(missing):

                def share(part: float, place: int = place) -> None:
                    tell((place + part) / len(missing))

                row = arm_row(replicate, one, known, share) if isinstance(one, Arm) else still_row(replicate, one)
                self.store.save_row(config, row)
                known[row["key"]] = row
                tell((place + 1) / len(missing))


def wanted(replicate: Replicate) -> dict[Still | Arm, dict[str, Any]]:
    """What a replicate consists of, each with its configuration: networks as they are, then arms."""
    arms = replicate.matched.arms
    stills = dict.fromkeys(still for arm in arms for still in replicate.stills(arm).values())
    found: dict[Still | Arm, dict[str, Any]] = {still: still_config(replicate, still) for still in stills}
    return found | {arm: arm_config(replicate, arm) for arm in arms}


def run_matched(
    study: MatchedStudy,
    folder: Path,
    execution: Execution,
    *,
    rows: str = _ROWS,
    crew: Crew | None = None,
    progress: Progress | None = None,
) -> list[Mapping[str, Any]]:
    """Make every row of a study that is neither in the text file of its folder nor kept otherwise.

    Args:
        study: What to do.
        folder: Where results are kept; a study that was interrupted goes on from there. Only the text file is needed
            for that: with it alone in another folder, on another machine, its rows are not made again, and networks
            only where a missing row needs them.
        execution: Where to compute.
        rows: Name of the text file.
        crew: Processes that share out the replicates; None is this one alone. Each takes the study's threads.
        progress: Shows how far it is.

    Returns:
        The rows of the study, which the text file holds, too, among those it has held already.

    Raises:
        ValueError: if images, scores or the text file are not what they must be.
        OSError: if a file cannot be written.
    """
    work = MatchedWork(study, folder, rows, execution)
    texts = work.texts
    missing = {number: _count_missing(work, number, texts) for number in study.replicates}
    if any(missing.values()):
        _write_study(study, folder, rows, execution)
        _make(work, missing, crew or Crew(), progress or _unwatched)
    elif any(row["key"] not in texts for row in rows_of(work)):  # a run was killed between its last row and the text
        if not _record(folder, rows).exists():
            _write_study(study, folder, rows, execution)
        _gather(work)
    return rows_of(work)


def _make(work: MatchedWork, missing: Mapping[int, int], crew: Crew, progress: Progress) -> None:
    """Make the missing rows of each replicate, and bring the text file up to date however that ends."""
    todo = {number: count for number, count in missing.items() if count}
    crew.settle(_need(work, sum(todo.values()), len(todo)))
    jobs = [Job(f"{work.study.name}, replicate {number} ({count} rows)", count) for number, count in todo.items()]
    with progress(jobs) as watch:
        try:
            crew.do(work, list(todo), _Gathering(watch, work))
        finally:
            _gather(work)


def rows_of(work: MatchedWork) -> list[Mapping[str, Any]]:
    """The rows of a study that are there, in order."""
    found: list[Mapping[str, Any]] = []
    texts = work.texts
    for number in work.study.replicates:
        found += work.known(work.replicate(number), texts).values()
    return in_order(found, [arm.name for arm in work.study.arms])


def _count_missing(work: MatchedWork, number: int, texts: Mapping[str, Mapping[str, Any]]) -> int:
    replicate = work.replicate(number)
    return len(wanted(replicate)) - len(work.known(replicate, texts))


def _gather(work: MatchedWork) -> None:
    """Bring the text file up to date: what it had, and the rows of this study that are there."""
    path = work.folder / work.rows
    every: dict[str, Mapping[str, Any]] = work.texts | {row["key"]: row for row in rows_of(work)}
    write_rows(path, in_order(every.values(), [arm.name for arm in work.study.arms]))


class _Gathering:
    """Passes on how far the work is, and brings the text file up to date now and then."""

    def __init__(self, watch: Watch, work: MatchedWork) -> None:
        self.watch, self.work, self.due = watch, work, time.monotonic() + _OFTEN

    def begin(self, place: int) -> None:
        self.watch.begin(place)

    def move(self, place: int, share: float) -> None:
        self.watch.move(place, share)
        if time.monotonic() >= self.due:
            _gather(self.work)
            self.due = time.monotonic() + _OFTEN

    def end(self, place: int) -> None:
        _gather(self.work)
        self.watch.end(place)


class _Unwatched:
    def begin(self, place: int) -> None: ...
    def move(self, place: int, share: float) -> None: ...
    def end(self, place: int) -> None: ...


@contextmanager
def _unwatched(jobs: Sequence[Job]) -> Iterator[Watch]:
    yield _Unwatched()


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Within it torch computes in so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _record(folder: Path, rows: str) -> Path:
    """Where it is told what rows were made with; trials are another study."""
    return folder / ("study.json" if rows == _ROWS else f"{Path(rows).stem}-study.json")


def _write_study(study: MatchedStudy, folder: Path, rows: str, execution: Execution) -> None:
    """What the rows of a folder were made with: the configuration, every commit, versions and hardware."""
    if not parallel.is_first():
        return
    path = _record(folder, rows)
    earlier = json.loads(path.read_text(encoding="utf-8")).get("commits", []) if path.exists() else []
    commits = dict.fromkeys([*earlier, commit()])
    layout = {"channels_last": True} if execution.channels_last else {}
    about = {
        "study": as_json(study), "commits": [each for each in commits if each is not None], "versions": versions(),
        "hardware": hardware(execution.device) | layout,
    }  # fmt: skip
    write_text(path, json.dumps(about, indent=1) + "\n")


def _need(work: MatchedWork, rows: int, items: int) -> Need:
    study = work.study
    replicate = work.replicate(study.replicates[0])
    steps = -(-len(replicate.dataset.train) // study.unlearn.batch_size) * study.unlearn.epochs
    memory = Appraisal.of(replicate).memory(study.pretrain)
    formats = tuple(dict.fromkeys((study.pretrain.precision, study.unlearn.precision)))
    return Need(items=items, seconds=rows * steps * _STEP, memory=memory, threads_pay=False, formats=formats)
