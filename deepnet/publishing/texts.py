"""How records are written as text, one a line, and read again. Nothing here needs torch."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, TypeVar

from deepnet.publishing.records import METRICS, WHO, Contrast, Curve, GroupRecord, Movement, Surface, rounded
from deepnet.report.summary import Mean
from simulate.house.files import parse_json

__all__ = ["contrasts_csv", "groups_csv", "json_lines", "read_contrasts", "read_groups", "read_json_lines"]

_DIGITS = 6
_PARTS = ("", "_low", "_high", "_n")
R = TypeVar("R", Curve, Surface, Movement)


def groups_csv(groups: Iterable[GroupRecord]) -> str:
    """Groups as CSV, one line each; metrics that no group has are left out."""
    groups = tuple(groups)
    kept = [name for name in METRICS if any(group.means[name].value is not None for group in groups)]
    head = [*WHO, "runs", "diverged", *(name + part for name in kept for part in _PARTS)]
    return _csv(head, (_group_cells(group, kept) for group in groups))


def _group_cells(group: GroupRecord, metrics: Sequence[str]) -> list[str]:
    cells = [*(str(getattr(group, name)) for name in WHO), str(group.runs), str(group.diverged)]
    for name in metrics:
        mean = group.means[name]
        cells += [_written(mean.value), _written(mean.low), _written(mean.high), str(mean.n)]
    return cells


def read_groups(text: str) -> tuple[GroupRecord, ...]:
    """The groups that `groups_csv` wrote; a metric that was left out has no value.

    Raises:
        KeyError: if a column is missing.
        ValueError: if a cell is not what it must be.
    """
    return tuple(
        GroupRecord(
            **{name: line[name] for name in WHO}, runs=int(line["runs"]), diverged=int(line["diverged"]),
            means={name: _mean(line, name) for name in METRICS},
        )
        for line in _lines(text)
    )  # fmt: skip


def _mean(line: Mapping[str, str], name: str) -> Mean:
    if name not in line:
        return Mean(value=None, n=0, note="not measured")
    value, low, high = (_number(line[name + part]) for part in _PARTS[:3])
    return Mean(value=value, low=low, high=high, n=int(line[f"{name}_n"]))


def contrasts_csv(contrasts: Iterable[Contrast]) -> str:
    """Contrasts as CSV, one line each."""
    names = [item.name for item in fields(Contrast)]
    return _csv(names, ([_cell(getattr(each, name)) for name in names] for each in contrasts))


def read_contrasts(text: str) -> tuple[Contrast, ...]:
    """The contrasts that `contrasts_csv` wrote.

    Raises:
        KeyError: if a column is missing.
        ValueError: if a cell is not what it must be.
    """
    read: dict[str, Callable[[str], Any]] = {"str": str, "int": int, "float | None": _number}
    return tuple(
        Contrast(**{item.name: read[str(item.type)](line[item.name]) for item in fields(Contrast)})
        for line in _lines(text)
    )


def json_lines(records: Iterable[Curve | Surface | Movement]) -> str:
    """Records as JSON, one line each."""
    return "".join(json.dumps(asdict(each), ensure_ascii=False, allow_nan=False) + "\n" for each in records)


def read_json_lines(kind: type[R], text: str) -> tuple[R, ...]:
    """The records that `json_lines` wrote.

    Raises:
        TypeError: if a field is missing, or there is one too many.
        ValueError: if a line is not JSON.
    """
    return tuple(kind(**parse_json(line)) for line in text.splitlines())


def _csv(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(lines)
    return text.getvalue()


def _lines(text: str) -> Iterable[dict[str, str]]:
    return csv.DictReader(io.StringIO(text), strict=True)


def _cell(value: str | int | float | None) -> str:
    return _written(value) if value is None or isinstance(value, float) else str(value)


def _written(value: float | None) -> str:
    found = None if value is None else rounded(value, _DIGITS)
    return "" if found is None else f"{found:.{_DIGITS}g}"


def _number(text: str) -> float | None:
    return float(text) if text else None
