"""A study from beginning to end: which models it has, in which order they are made, and the table of results."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepnet.house import parallel
from deepnet.house.identity import as_json
from deepnet.house.seeding import generator
from deepnet.learning.loop import DivergenceError
from deepnet.methods import Retrain
from deepnet.metrics.tug_of_war import official_reference
from deepnet.studies.comparison import compare
from deepnet.studies.gallery import hang
from deepnet.studies.measurement import describe, measure, measurement_key
from deepnet.studies.stages import Execution, Run, Stages, Vote
from deepnet.studies.store import Store
from deepnet.studies.study import ESTIMATED, Study, Unlearner
from simulate.house.files import write_text

__all__ = ["Progress", "Summary", "run_study", "runs_of"]

Progress = Callable[[Sequence[Any]], AbstractContextManager[Iterator[Any]]]
"""A context that yields what it is given, each with a `label`, and shows how far that is."""


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


def run_study(
    study: Study,
    folder: Path,
    execution: Execution,
    *,
    progress: Progress | None = None,
    keep_models: bool = True,
    store: Store | None = None,
) -> Summary:
    """Make and measure every model of a study that is not on disk yet, and write the table of results.

    Args:
        study: What to do.
        folder: Where results are kept; a study that was interrupted goes on from there.
        execution: Where and how to compute.
        progress: Shows how far it is, given runs or votes.
        keep_models: Whether unlearned models stay on disk once they are measured.
        store: Where models and measurements lie, if not in the folder: studies that share one share their models.

    Returns:
        The rows and where they are. Runs that diverge are rows with this status; the others go on.

    Raises:
        ValueError: if data, files or arguments are not what they must be; what is finished stays.
        OSError: if a file cannot be written.
    """
    if study.evaluation.official_tow:
        for forget in study.forget:
            official_reference(study.data.name, forget.label, study.model.architecture)  # or an error, before all work
    folder.mkdir(parents=True, exist_ok=True)
    stages = Stages(study, store or Store(folder), execution)
    if parallel.is_first():
        write_text(folder / "study.json", json.dumps(as_json(study), indent=1))
    number, world = parallel.shard()
    show = progress or (lambda made: nullcontext(iter(made)))
    groups = runs_of(study)
    if any(forget.scores == ESTIMATED for forget in study.forget):
        with show([Vote(one) for one in range(study.memorization.models)[number::world]]) as shown:
            for vote in shown:
                stages.votes(range(vote.number, vote.number + 1))
        parallel.barrier()
    for runs in groups:
        with show(_share(runs, number, world)) as shown:
            for run in shown:
                _measured(stages, run, keep_models)
        parallel.barrier()
    return _assembled(stages, [run for runs in groups for run in runs], folder)


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
            raise ValueError(f"The row of {run.label} is missing in {stages.store.folder}; run the study again.")
        row = describe(stages, run) | row
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
    diverged = tuple(row["reason"] for row in rows if row["status"] == "diverged")
    return Summary(rows, path, diverged)
