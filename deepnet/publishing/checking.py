"""Is what lies on disk a finished confirmation, and that of the configuration at hand?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deepnet.confirm.confirmation import Confirmation
from deepnet.confirm.findings import Findings
from deepnet.house.identity import as_json
from deepnet.studies.measuring.measurement import describe
from deepnet.studies.planning.precision import used_in
from deepnet.studies.running import runs_of
from deepnet.studies.stages import Execution, Stages
from deepnet.studies.store import Store
from deepnet.studies.study import Study
from simulate.house.counting import counted
from simulate.house.files import parse_json

__all__ = ["anywhere", "finished_findings", "finished_studies", "preset_words"]

_REHEARSAL = "-rehearsal"
"""What the folder of a rehearsal ends with."""


def finished_studies(confirmation: Confirmation, folder: Path) -> tuple[str, ...]:
    """The studies of a confirmation that were run, in their order.

    Args:
        confirmation: The configuration.
        folder: Where its results are, `<out>/<preset>`.

    Raises:
        FileNotFoundError: if none was run.
        ValueError: if a study was begun and is not finished; the message names it and the command.
    """
    begun = [name for name in confirmation.studies() if (folder / name / "study.json").exists()]
    if not begun:
        raise FileNotFoundError(f"No study was run in {folder}: run `{_command(folder)}`.")
    unfinished = [name for name in begun if not (folder / name / "results.jsonl").exists()]
    if unfinished:
        again = f"{_command(folder)} --only {' '.join(unfinished)}"
        raise ValueError(f"{folder} has unfinished studies ({', '.join(unfinished)}): run `{again}`.")
    return tuple(begun)


def finished_findings(confirmation: Confirmation, folder: Path) -> Findings:
    """The rows of the studies that were run, each of which must have been made by the configuration at hand.

    Args:
        confirmation: The configuration.
        folder: Where its results are, `<out>/<preset>`.

    Raises:
        FileNotFoundError: if no study was run.
        ValueError: if a study is not finished, damaged, or was run with another configuration; the message names it
            and the command.
    """
    names = finished_studies(confirmation, folder)
    rows = {name: _rows(confirmation.studies()[name], folder, name) for name in names}
    return Findings(rows, tuple(how.label for how in confirmation.optimizers), confirmation.scale)


def _rows(study: Study, folder: Path, name: str) -> list[dict[str, Any]]:
    study = used_in(study, folder / name)
    path, stages = folder / name / "results.jsonl", Stages(study, Store(folder / "shared"), Execution())
    again = f"run `{_command(folder)} --only {name}`"
    try:
        rows = [dict(parse_json(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}): {again}.") from error
    runs = [run for group in runs_of(study) for run in group]
    if len(rows) != len(runs):
        raise ValueError(
            f"{path} has {counted(len(rows), 'row')}, but the study {counted(len(runs), 'model')}: {again}, "
            "or give its `--seeds`."
        )
    for run, row in zip(runs, rows, strict=True):
        wanted = json.loads(json.dumps(describe(stages, run)))
        if any(row.get(key) != value for key, value in wanted.items() if key != "forget_set"):  # which is in the key
            raise ValueError(
                f"The study {name} in {folder} was run with another configuration ({run.label} differs): {again}."
            )
    return rows


def _command(folder: Path) -> str:
    return f"python -m deepnet confirm {preset_words(folder.name)} --out {folder.parent}"


def preset_words(name: str) -> str:
    """The options that name a confirmation, by the name of its folder.

    Example:
        >>> preset_words("digits-rehearsal")
        '--preset digits --rehearse'
    """
    preset = name.removesuffix(_REHEARSAL)
    return f"--preset {preset}" + (" --rehearse" if preset != name else "")


def anywhere(study: Study) -> dict[str, Any]:
    """The configuration of a study as JSON, without the folders of this machine."""
    found: dict[str, Any] = json.loads(json.dumps(as_json(study)))
    if found["data"]["root"] is not None:
        found["data"]["root"] = "anywhere"
    for forget in found["forget"]:
        forget["scores"] = _last(forget)
    return found


def _last(forget: Mapping[str, Any]) -> str | None:
    return None if forget["scores"] is None else Path(forget["scores"]).name
