"""Run a confirmation and judge its claims: the deep ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from deepnet.confirm.confirmation import Confirmation
from deepnet.confirm.findings import Findings
from deepnet.house.crew import Crew
from deepnet.studies.measuring.measurement import measurement_key
from deepnet.studies.planning.precision import used_in
from deepnet.studies.running import Progress, check_all, run_study, runs_of
from deepnet.studies.stages import Execution, Stages
from deepnet.studies.store import Store
from deepnet.studies.study import Study
from simulate.house.counting import counted
from simulate.house.files import parse_json

__all__ = ["check_studies", "findings_on_disk", "run_confirmation"]


def run_confirmation(
    confirmation: Confirmation,
    folder: Path,
    execution: Execution,
    *,
    only: Sequence[str] = (),
    progress: Progress | None = None,
    begin: Callable[[str], None] = lambda name: None,
    keep_models: bool = False,
    crew: Crew | None = None,
) -> None:
    """Run the studies of a confirmation that are not on disk yet.

    Args:
        confirmation: What to do.
        folder: Where results are kept; each study has a sub-folder, and all share their models.
        execution: Where and how to compute.
        only: Names of the studies to run; none named is all of them.
        progress: Shows how far a study is.
        begin: Called with the name of each study before it is run.
        keep_models: Whether unlearned models stay on disk once they are measured.
        crew: Processes that share out the models; None is this one alone.

    Raises:
        ValueError: if a study is unknown, if data or files are not what they must be, or if one of the studies cannot
            be measured: before the first model of all.
    """
    studies, names, store = _begun(confirmation, folder), check_studies(confirmation, only), Store(folder / "shared")
    check_all([Stages(studies[name], store, execution) for name in names])
    for name in names:
        begin(name)
        run_study(
            studies[name],
            folder / name,
            execution,
            progress=progress,
            keep_models=keep_models,
            store=store,
            crew=crew,
        )


def _begun(confirmation: Confirmation, folder: Path) -> dict[str, Study]:
    """The studies, in the precision in which those were made that are there: they share their models."""
    studies = confirmation.studies()
    folders = [folder / name for name in studies]
    return {name: used_in(study, folder / name, *folders) for name, study in studies.items()}


def check_studies(confirmation: Confirmation, only: Sequence[str]) -> tuple[str, ...]:
    """The studies that some names stand for; none named is all of them.

    Raises:
        ValueError: if a name is unknown.
    """
    every = tuple(confirmation.studies())
    for name in only:
        if name not in every:
            raise ValueError(f"Argument `only` must hold names out of {', '.join(every)}, but has {name!r}.")
    return tuple(only) or every


def findings_on_disk(confirmation: Confirmation, folder: Path) -> Findings:
    """What the studies found that have been run; the others are missing in it.

    Raises:
        ValueError: if a table of results is damaged.
    """
    rows, keys = {}, {}
    store = Store(folder / "shared")
    for name, study in _begun(confirmation, folder).items():
        path = folder / name / "results.jsonl"
        if not path.exists():
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        rows[name] = [_row(path, number, line) for number, line in enumerate(lines, 1)]
        stages = Stages(study, store, Execution())
        keys[name] = [measurement_key(stages, run) for runs in runs_of(stages.study) for run in runs]
        if len(keys[name]) != len(rows[name]):
            raise ValueError(
                f"{path} has {counted(len(rows[name]), 'row')}, but the study {len(keys[name])}; run it again."
            )
    labels = tuple(how.label for how in confirmation.optimizers)
    return Findings(rows, labels, confirmation.scale, lambda name, row: store.arrays(keys[name][row])["margins"])


def _row(path: Path, number: int, line: str) -> dict[str, object]:
    try:
        return dict(parse_json(line))
    except ValueError as error:
        raise ValueError(f"Line {number} of {path} is damaged ({error}); run the study again.") from error
