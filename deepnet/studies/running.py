"""A study from beginning to end: which models it has, in which order they are made, and the table of results."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from deepnet.data.scores import ESTIMATED
from deepnet.house import parallel
from deepnet.house.crew import Crew, Watch
from deepnet.house.identity import as_json
from deepnet.house.logs import check_names
from deepnet.house.seeding import generator
from deepnet.learning.loop import DivergenceError
from deepnet.methods import Retrain
from deepnet.metrics.tug_of_war import official_reference
from deepnet.networks.modes import autotuned
from deepnet.studies.measuring.comparison import compare
from deepnet.studies.measuring.gallery import hang
from deepnet.studies.measuring.measurement import describe, measure, measurement_key
from deepnet.studies.planning.appraisal import Appraisal, need_of
from deepnet.studies.planning.precision import used_in
from deepnet.studies.planning.requirements import check_measurable
from deepnet.studies.runs import Run, Vote
from deepnet.studies.stages import Execution, Stages
from deepnet.studies.store import Store
from deepnet.studies.study import Study, Unlearner
from deepnet.studies.telling import History, write_histories
from simulate.house.files import write_text

__all__ = ["Job", "ModelWork", "Progress", "Summary", "cast_votes", "check_all", "run_study", "runs_of"]


@dataclass(frozen=True)
class Job:
    """A model that is to be made, as whoever waits for it sees it."""

    label: str
    """What it is, in words."""
    seconds: float
    """About how long it takes one core; good for comparing jobs."""


Progress = Callable[[Sequence[Job]], AbstractContextManager[Watch]]
"""A context that shows how far some jobs are, which are told apart by their places in the sequence."""


@dataclass(frozen=True)
class Summary:
    """How a study went."""

    rows: list[dict[str, Any]]
    """The rows of `results.jsonl`."""
    path: Path
    """That file."""
    diverged: tuple[str, ...]
    """Runs whose training did not stay finite, with the reason."""


def runs_of(study: Study) -> list[list[Run]]:
    """The models of a study, in groups; no model of a group starts from, or is compared with, one of the same."""
    reference = Unlearner(method=Retrain(), training=study.retrain or study.pretrain)
    plain = study.pretrain_sharpness[0]
    pairs = [(forget, seed) for forget in study.forget for seed in study.seeds]
    pretrained = [Run(*pair, how) for pair in pairs for how in study.pretrain_sharpness]
    retrained = [Run(*pair, plain, reference, plain) for pair in pairs]
    unlearned = [
        Run(*pair, how, unlearner, sharpness)
        for pair in pairs
        for how in study.pretrain_sharpness
        for unlearner in study.unlearners
        for sharpness in unlearner.sharpness
    ]
    # What is to be forgotten usually leaves the pretrained model alone: it is made once, and measured for each set.
    shared = [run for run in pretrained if study.request == "samples" and run.forget != study.forget[0]]
    return [[*(run for run in pretrained if run not in shared), *retrained], [*shared, *unlearned]]


@dataclass(frozen=True)
class ModelWork:
    """Makes and measures models of one study; equal ones make the same, so each process needs but one."""

    study: Study
    """The study."""
    store: Store
    """Where models and measurements lie."""
    execution: Execution
    """Where and how to compute."""
    keep_models: bool
    """Whether unlearned models stay on disk once they are measured."""
    log: tuple[str, ...] = ()
    """What logs trainings beside a table."""

    @cached_property
    def stages(self) -> Stages:
        """What makes the models; it stays with the process."""
        made = Stages(self.study, self.store, self.execution)
        made.log = self.log
        return made

    def __getstate__(self) -> dict[str, Any]:
        """The configuration alone: images and models do not travel to other processes."""
        return {name: value for name, value in vars(self).items() if name != "stages"}

    def __call__(self, made: Run | Vote, tell: Callable[[float], None]) -> None:
        """Make and measure a model."""
        self.stages.tell = tell
        with autotuned(self.execution.autotune):
            if isinstance(made, Vote):
                self.stages.votes(range(made.number, made.number + 1))
            else:
                _measured(self.stages, made, self.keep_models)


def run_study(
    study: Study,
    folder: Path,
    execution: Execution,
    *,
    progress: Progress | None = None,
    keep_models: bool = True,
    store: Store | None = None,
    crew: Crew | None = None,
    log: Sequence[str] = (),
) -> Summary:
    """Make and measure every model of a study that is not on disk yet, and write the table of results.

    Args:
        study: What to do; a precision of "auto" is what it was where the study was begun, or what suits the device.
        folder: Where results are kept; a study that was interrupted goes on from there.
        execution: Where and how to compute.
        progress: Shows how far it is.
        keep_models: Whether unlearned models stay on disk once they are measured.
        store: Where models and measurements lie, if not in the folder: studies that share one share their models.
        crew: Processes that share out the models; None is this one alone. The numbers are the same bit for bit, where
            processes have as many threads.
        log: What logs each training beside `history.csv`: "tensorboard", or functions as "package.module:function",
            which are called with the folder and the words of a model and return an object with `log(step, values)`.

    Returns:
        The rows and where they are. Runs that diverge are rows with this status; the others go on.

    Raises:
        ValueError: if data, files or arguments are not what they must be, or what is to be measured cannot be: before
            the first model; what is finished stays.
        OSError: if a file cannot be written.
    """
    check_references(study)
    check_names("log", log)
    folder.mkdir(parents=True, exist_ok=True)
    work = ModelWork(used_in(study, folder), store or Store(folder), execution, keep_models, tuple(log))
    stages = work.stages
    groups = runs_of(stages.study)
    shares = _missing(stages, groups)
    if any(shares):
        check_measurable(stages)
    if parallel.is_first():
        write_text(folder / "study.json", json.dumps(as_json(stages.study), indent=1))
    _do(work, shares, crew or Crew(), progress or _unwatched)
    return _assembled(stages, [run for runs in groups for run in runs], folder)


def cast_votes(stages: Stages, crew: Crew, progress: Progress) -> None:
    """Make the models by which memorization scores are estimated, those that are not on disk yet."""
    number, world = parallel.shard()
    work = ModelWork(stages.study, stages.store, stages.execution, keep_models=False)
    _do(work, [_votes(stages)[number::world]], crew, progress)


def check_all(studies: Sequence[Stages]) -> None:
    """Require of several studies that what is missing on disk can be made and measured.

    Raises:
        ValueError: if something cannot; the message says what, and the remedy.
    """
    for stages in studies:
        check_references(stages.study)
        if not all(_is_measured(stages, run) for runs in runs_of(stages.study) for run in runs):
            check_measurable(stages)


def _do(work: ModelWork, shares: Sequence[Sequence[Run | Vote]], crew: Crew, progress: Progress) -> None:
    """Make models, group by group."""
    jobs = _jobs(work.stages, [made for share in shares for made in share])
    if jobs:
        crew.settle(need_of(work.stages, sum(job.seconds for job in jobs), len(jobs)))
    with progress(jobs) as watch:
        first = 0
        for share in shares:
            crew.do(work, share, watch, first)
            first += len(share)
            parallel.barrier()


def _missing(stages: Stages, groups: Sequence[Sequence[Run]]) -> list[list[Run | Vote]]:
    """This process's share of the models that are not on disk yet, in groups that wait for one another."""
    number, world = parallel.shard()
    shares = [_share(runs, number, world) for runs in groups]
    missing: list[list[Run | Vote]] = [[run for run in share if not _is_measured(stages, run)] for share in shares]
    estimated = any(forget.scores == ESTIMATED for forget in stages.study.forget)
    votes: list[Run | Vote] = list(_votes(stages)[number::world]) if estimated else []
    parallel.barrier()  # nobody makes a model before all have looked
    return [votes if any(missing) or world > 1 else [], *missing]


def check_references(study: Study) -> None:
    """Require that there are the fixed references that the released code's tug of war is measured by.

    Raises:
        ValueError: if it is asked for and there are none.
    """
    for forget in study.forget if study.evaluation.official_tow else ():
        official_reference(study.data.name, forget.label, study.model.name)


class _Unwatched:
    def begin(self, place: int) -> None: ...
    def move(self, place: int, share: float) -> None: ...
    def end(self, place: int) -> None: ...


def _unwatched(jobs: Sequence[Job]) -> AbstractContextManager[Watch]:
    return nullcontext(_Unwatched())


def _votes(stages: Stages) -> list[Vote]:
    """The models by which memorization scores are estimated that are not on disk yet."""
    return [Vote(number) for number in range(stages.study.memorization.models) if not stages.has_vote(number)]


def _jobs(stages: Stages, made: Sequence[Run | Vote]) -> list[Job]:
    costs = Appraisal.of(stages) if made else None
    return [Job(stages.words(one), costs.seconds(stages, one) if costs else 0.0) for one in made]


def _is_measured(stages: Stages, run: Run) -> bool:
    return stages.store.row(measurement_key(stages, run)) is not None


def _share(runs: Sequence[Run], number: int, world: int) -> list[Run]:
    """The runs of one process out of `world`, drawn at random: every other one would be all of the dear optimizer."""
    if world == 1:
        return list(runs)
    return [runs[place] for place in generator(0, "shares").permutation(len(runs))[number::world]]


def _measured(stages: Stages, run: Run, keep_models: bool) -> None:
    """Measure the model of a run, unless that is done."""
    store, key = stages.store, measurement_key(stages, run)
    if store.row(key) is not None:
        return
    try:
        found = measure(stages, run)
    except DivergenceError as error:
        store.save_row(key, {"status": "diverged", "reason": str(error)})
    else:
        store.save_arrays(key, found.arrays)
        store.save_row(key, found.row)
    parallel.keep_in_step()
    if not keep_models and run.unlearner is not None and not isinstance(run.unlearner.method, Retrain):
        store.drop_model(stages.config(run))


def _assembled(stages: Stages, runs: Sequence[Run], folder: Path) -> Summary:
    """Put the rows together, compare them, and write them."""
    rows, margins = [], {}
    for position, run in enumerate(runs):
        key = measurement_key(stages, run)
        row = stages.store.row(key)
        if row is None:
            raise ValueError(
                f"The row of {stages.words(run)} is missing in {stages.store.folder}; run the study again."
            )
        row = describe(stages, run) | {"forget_set": stages.set_words(run.forget)} | row
        rows.append(row)
        if row["status"] == "finished":
            arrays = stages.store.arrays(key)
            margins[position] = arrays["margins"]
            if parallel.is_first():
                hang(folder, row, arrays)
    evaluation = stages.study.evaluation
    rows = compare(rows, margins if evaluation.divergence else {}, official_tow=evaluation.official_tow)
    path = folder / "results.jsonl"
    if parallel.is_first():
        write_text(path, "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows))
        write_histories(folder / "history.csv", [_history(stages, run) for run in runs])
    diverged = tuple(row["reason"] for row in rows if row["status"] == "diverged")
    return Summary(rows, path, diverged)


def _history(stages: Stages, run: Run) -> History:
    """What the model of a run is, and where its epochs are written down."""
    about = describe(stages, run) | {"forget_set": stages.set_words(run.forget)}
    names = ("forget_set", "seed", "pretrain", "method", "variant", "optimizer")
    return {name: about[name] for name in names}, stages.table(stages.config(run))
