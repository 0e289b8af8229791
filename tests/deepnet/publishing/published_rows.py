"""The rows behind a published folder, what is in it, and means of rows with intervals from their formula."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from deepnet.publishing import Published


@dataclass(frozen=True)
class Usual:
    """Results of all studies, and what was published of them."""

    results: Path
    rows: dict[str, list[dict[str, Any]]]
    published: Published


def like(row: dict[str, Any], **where: Any) -> bool:
    """Whether a row has these values."""
    return all(row[key] == value for key, value in where.items())


def lines_of(path: Path) -> list[dict[str, str]]:
    """The lines of a published table."""
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def names_in(folder: Path) -> list[str]:
    """Names of all that is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def student_interval(values: list[float]) -> tuple[float, float, float]:
    """The mean of some values and the ends of Student's interval at 95 %."""
    x = np.array(values)
    reach = stats.t.ppf(0.975, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x))
    return float(x.mean()), float(x.mean() - reach), float(x.mean() + reach)
