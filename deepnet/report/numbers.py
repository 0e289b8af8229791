"""Every number of every run as a table of comma-separated values, for other programs."""

from __future__ import annotations

import csv
import io

from deepnet.report.columns import SCALARS
from deepnet.report.rows import Results

__all__ = ["numbers_csv"]

_ABOUT = ("forget_set", "request", "pretrain", "method", "variant", "optimizer", "seed", "split_seed", "status")


def numbers_csv(results: Results) -> str:
    """A line a run: what it was, and each number that some run has, to six digits; nothing where this one has none.

    The last column is the version of this package.
    """
    names = [name for name in SCALARS if any(row.values[name] is not None for row in results.rows)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_ABOUT, *names, "version"])
    for row in results.rows:
        values = [row.values[name] for name in names]
        numbers = ["" if value is None else f"{value:.6g}" for value in values]
        writer.writerow([*(getattr(row, name) for name in _ABOUT), *numbers, row.versions.get("sharpmu", "")])
    return text.getvalue()
