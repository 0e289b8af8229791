"""Reading `results.jsonl`: one run a line, every column checked before anything is computed of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deepnet.report.columns import ALWAYS, FRACTIONS, NONNEGATIVE, SCALARS, TEXTS, WHOLES
from simulate.house.files import parse_json

__all__ = ["STATUSES", "RelearnCurve", "Results", "Row", "read_results", "read_rows", "row_from"]

STATUSES = ("finished", "diverged")
"""How a run can have ended."""


@dataclass(frozen=True, kw_only=True)
class RelearnCurve:
    """Accuracy on the forget set while a model learns it again, beside a retrained model that learns it first."""

    steps: tuple[float, ...]
    """Steps of the attack, increasing, (k,)."""
    accuracy: tuple[float, ...]
    """Forget accuracy of the unlearned model, (k,) fractions."""
    control: tuple[float, ...] = ()
    """Forget accuracy of the retrained model, (k,) fractions; empty if there is no such model."""

    def __post_init__(self) -> None:
        """Validate the curves.

        Raises:
            ValueError: if lengths differ, steps do not increase, or an accuracy is not a fraction.
        """
        sizes = f"{len(self.steps)}, {len(self.accuracy)} and {len(self.control)}"
        if not self.steps or {len(self.accuracy), len(self.control) or len(self.steps)} != {len(self.steps)}:
            raise ValueError(f"`steps`, `accuracy` and `control` must be equally long, but hold {sizes} numbers.")
        if any(late <= early for early, late in zip(self.steps, self.steps[1:], strict=False)):
            raise ValueError("`steps` must increase, but does not.")
        for name in ("accuracy", "control"):
            if not all(0.0 <= value <= 1.0 for value in getattr(self, name)):
                raise ValueError(f"`{name}` must hold fractions in [0, 1], but does not.")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One run: what was done, how it ended, what was measured."""

    study: str
    """Name of the study."""
    method: str
    """Method's short name; "retrain" and "pretrained" are the two references."""
    title: str
    """Method's name for people."""
    pretrain: str
    """Label of the optimizer of pretraining: "sgd", "sam-<rho>" or "asam-<rho>"."""
    optimizer: str
    """Label of the optimizer of unlearning."""
    forget_set: str
    """Which samples are forgotten: "random", "high", "class-3", ..."""
    request: str
    """What of them is forgotten: "samples", "labels", "feature" or "backdoor"."""
    variant: str
    """Tells rows of one method with different hyper-parameters apart; empty for the plain method."""
    seed: int
    """Seed of the training."""
    split_seed: int
    """Seed of the split."""
    status: str
    """One of `STATUSES`."""
    reason: str = ""
    """Why the run diverged."""
    values: Mapping[str, float | None]
    """A number, or None, for each of `deepnet.report.columns.SCALARS`; all None where the run diverged."""
    relearn_curve: RelearnCurve | None = None
    """The relearning attack, step by step."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """Configuration of the run."""
    versions: Mapping[str, Any] = field(default_factory=dict)
    """Versions of the packages."""
    hardware: Mapping[str, Any] = field(default_factory=dict)
    """Machine it ran on."""
    compat: tuple[str, ...] = ()
    """Quirks of the released code that were switched on."""

    @property
    def finished(self) -> bool:
        """Whether the run has numbers."""
        return self.status == "finished"

    @property
    def replicate(self) -> tuple[int, int]:
        """What pairs runs of different methods: the seed and the seed of the split."""
        return self.seed, self.split_seed

    @property
    def run(self) -> tuple[str | int, ...]:
        """What tells the runs of a study apart."""
        return (self.forget_set, self.request, self.pretrain, self.method, self.variant, self.optimizer,
                *self.replicate)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Results:
    """All runs of a study."""

    path: Path
    """The file they were read from."""
    rows: tuple[Row, ...]
    """The runs, in the order of the file."""
    warnings: tuple[str, ...] = ()
    """Sentences a reader of the report has to know."""

    @property
    def study(self) -> str:
        """Name of the study."""
        return self.rows[0].study


def read_results(path: str | Path) -> Results:
    """Read and check a file of results.

    A last line that was cut off (the writer was killed in the middle of it) is left out with a warning.

    Args:
        path: The file `results.jsonl`, or the folder of the study that holds it.

    Returns:
        The runs.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if a line is damaged, lacks a column or has a value that cannot be, if a run occurs twice, if
            there are rows of several studies, or none; the message names the file and the line.
    """
    path = Path(path)
    path = path / "results.jsonl" if path.is_dir() else path
    if not path.is_file():
        raise FileNotFoundError(f"There are no results at {path}: `python -m deepnet run` makes them.")
    lines = path.read_bytes().split(b"\n")
    rows: list[Row] = []
    warnings: list[str] = []
    seen: dict[tuple[str | int, ...], int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = _parsed(line)
        except ValueError as error:
            if number < len(lines):
                raise ValueError(f"{path}, line {number}: not a JSON object ({error}).") from None
            warnings.append(f"The last line of {path.name} (line {number}) was cut off and is left out.")
            continue
        try:
            row = row_from(record)
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from None
        if row.run in seen:
            raise ValueError(f"{path}, line {number}: the same run as in line {seen[row.run]}.")
        if rows and row.study != rows[0].study:
            names = f'"{row.study}" after rows of "{rows[0].study}"'
            raise ValueError(f"{path}, line {number}: a file must hold one study, but this row is of {names}.")
        seen[row.run] = number
        rows.append(row)
    if not rows:
        raise ValueError(f"{path}: the file holds no complete row.")
    return Results(path=path, rows=tuple(rows), warnings=tuple(warnings))


def read_rows(path: str | Path) -> tuple[Row, ...]:
    """The runs of a file alone; see `read_results`."""
    return read_results(path).rows


def row_from(record: Mapping[str, Any]) -> Row:
    """Check one row.

    Args:
        record: Columns by name, as JSON holds them; more columns than are known are ignored. Metrics that were
            switched off may be null or left out.

    Returns:
        The row. Of a diverged run numbers are dropped, whatever stands there.

    Raises:
        ValueError: if a column is missing or has a value that cannot be; the message names the column.
    """
    needed = (*TEXTS, *WHOLES, *(ALWAYS if record.get("status") == "finished" else ()))
    missing = [name for name in needed if record.get(name) is None]
    if missing:
        raise ValueError(f"missing {'columns' if missing[1:] else 'column'} {', '.join(f'`{n}`' for n in missing)}.")
    texts = {name: _text(name, record[name]) for name in TEXTS}
    if texts["status"] not in STATUSES:
        raise ValueError(f'column `status` must be "finished" or "diverged", but is {texts["status"]!r}.')
    values = {name: _number(name, record.get(name)) for name in SCALARS}
    finished = texts["status"] == "finished"
    return Row(
        study=texts["study"],
        method=texts["method"],
        title=texts["title"],
        pretrain=texts["pretrain"],
        optimizer=texts["optimizer"],
        forget_set=texts["forget_set"],
        request=texts["request"],
        variant=texts["variant"],
        status=texts["status"],
        seed=_whole("seed", record["seed"]),
        split_seed=_whole("split_seed", record["split_seed"]),
        reason="" if finished else _text("reason", record.get("reason") or "no reason recorded"),
        values=values if finished else dict.fromkeys(values),
        relearn_curve=_curve(record.get("relearn_curve")) if finished else None,
        config=_object("config", record.get("config")),
        versions=_object("versions", record.get("versions")),
        hardware=_object("hardware", record.get("hardware")),
        compat=_texts("compat", record.get("compat")),
    )


def _parsed(line: bytes) -> dict[str, Any]:
    record = parse_json(line.decode("utf-8"))
    if not isinstance(record, dict):
        raise ValueError(f"it holds a {type(record).__name__}")
    return record


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"column `{name}` must be text, but is {value!r}.")
    return value


def _texts(name: str, values: object) -> tuple[str, ...]:
    if values is None:
        return ()
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise ValueError(f"column `{name}` must be a list of text, but is {values!r}.")
    return tuple(_text(name, value) for value in values)


def _whole(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"column `{name}` must be a whole number, but is {value!r}.")
    return value


def _number(name: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
        raise ValueError(f"column `{name}` must be a finite number or null, but is {value!r}.")
    if name in FRACTIONS and not 0.0 <= value <= 1.0:
        raise ValueError(f"column `{name}` must lie in [0, 1], but is {value!r}.")
    if name in NONNEGATIVE and value < 0.0:
        raise ValueError(f"column `{name}` must be at least 0, but is {value!r}.")
    return float(value)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond all floats
        return False


def _object(name: str, value: object) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError(f"column `{name}` must be an object, but is {value!r}.")
    return value


def _curve(value: object) -> RelearnCurve | None:
    if value is None:
        return None
    try:
        fields = _object("relearn_curve", value)
        control = fields.get("control") or ()
        parts = {"steps": fields["steps"], "accuracy": fields["accuracy"], "control": control}
        return RelearnCurve(**{key: tuple(map(float, part)) for key, part in parts.items()})
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"column `relearn_curve` must hold steps and accuracies: {error}") from None
