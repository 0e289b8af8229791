"""The table of docs/methods.md on every method on digits, from the tracked numbers of its study.

`python -m tests.digits_methods_page` prints it; `tests/test_documents.py` holds the page to it.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from statistics import fmean

from tests.places import ROOT

__all__ = ["TRACKED", "methods_table", "tracked_numbers"]

TRACKED = ROOT / "docs" / "digits_methods.csv"
_HEADINGS = ("method", "optimizer", "ToW, memorized", "forget %", "ToW, class", "kept %", "AUC within", "seconds")


def tracked_numbers() -> list[dict[str, str]]:
    """A row a run, as `numbers.csv` of a report has it."""
    with TRACKED.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def methods_table(rows: list[dict[str, str]]) -> str:
    """A line a method in the order of the rows, means over seeds; the retrained network and the pretrained one first.

    ToW of a retrained network is that against those of the other seeds.
    """
    runs: dict[tuple[str, str], dict[str, list[dict[str, str]]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        runs[row["method"], row["optimizer"]][row["forget_set"].partition("-")[0]].append(row)
    first = sorted(runs, key=lambda run: {"retrain": 0, "pretrained": 1}.get(run[0], 2))
    lines = ["| " + " | ".join(_HEADINGS) + " |", "| --- | --- |" + " --: |" * (len(_HEADINGS) - 2)]
    for name, optimizer in first:
        sets = runs[name, optimizer]
        tow = "tow_other_seeds" if name == "retrain" else "tow"
        cells = [
            _mean(sets["high"], tow, 3), _mean(sets["high"], "forget_accuracy", 1, 100),
            _mean(sets["class"], tow, 3), _mean(sets["class"], "test_accuracy_kept", 1, 100),
            _mean(sets["class"], "mia_auc_within", 2), _mean([*sets["high"], *sets["class"]], "seconds", 1),
        ]  # fmt: skip
        lines.append(f"| `{name}` | {optimizer if name != 'pretrained' else ''} | " + " | ".join(cells) + " |")
    return "\n".join(lines).replace("|  |", "| |")


def _mean(rows: list[dict[str, str]], name: str, decimals: int, scale: float = 1.0) -> str:
    """The mean of a column, or why there is none."""
    if any(row["status"] != "finished" for row in rows):
        return "diverged"
    return f"{scale * fmean(float(row[name]) for row in rows):.{decimals}f}"


if __name__ == "__main__":
    print(methods_table(tracked_numbers()))
