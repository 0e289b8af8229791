"""The paper's table as text: which columns it has, and what stands in a cell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from deepnet.report.comparison import LEVEL, told_best
from deepnet.report.naming import PRETRAINED, RETRAINED, shadow_words
from deepnet.report.summary import Block, Mean, Summary
from theory.ledger.wording import with_minus

__all__ = ["CLASS_COLUMNS", "COLUMNS", "NOTES", "TERMINAL_COLUMNS", "Column", "Line", "lines_of", "written"]

DASH = "–"


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of numbers."""

    name: str
    """The column of the result rows."""
    heading: str
    """What stands above it."""
    scale: float = 1.0
    """What numbers are multiplied by: 100 for percent."""
    decimals: int | None = None
    """Digits behind the point; None for three significant ones."""
    signed: bool = False
    """Whether positive numbers get their sign."""
    interval: bool = True
    """Whether half-widths are shown."""


COLUMNS = (
    Column(name="tow", heading="ToW", decimals=3),
    Column(name="retain_accuracy", heading="retain %", scale=100.0, decimals=1),
    Column(name="forget_accuracy", heading="forget %", scale=100.0, decimals=1),
    Column(name="test_accuracy", heading="test %", scale=100.0, decimals=1),
    Column(name="tow_other_seeds", heading="ToW, other seeds", decimals=3),
    Column(name="mia", heading="MIA %", scale=100.0, decimals=1),
    Column(name="mia_spread", heading="its spread", scale=100.0, decimals=1, interval=False),
    Column(name="mia_gap", heading="MIA gap", scale=100.0, decimals=1, signed=True),
    Column(name="entanglement", heading="entangl.", decimals=3),
    Column(name="klom", heading="KLoM", decimals=2),
    Column(name="klom_null", heading="its floor", decimals=2),
    Column(name="relearn", heading="relearn", scale=100.0, decimals=1, signed=True),
    Column(name="seconds", heading="seconds"),
)
"""The columns of the paper's table."""

CLASS_COLUMNS = (
    Column(name="test_accuracy_kept", heading="test % kept", scale=100.0, decimals=1),
    Column(name="test_accuracy_forgotten", heading="test % forgotten", scale=100.0, decimals=1),
    Column(name="mia_auc_within", heading="AUC within", decimals=3),
)
"""Those beside them where classes are forgotten."""

TERMINAL_COLUMNS = ("tow", "retain_accuracy", "forget_accuracy", "test_accuracy", "mia_gap", "relearn", "seconds")
"""Those that fit 120 columns of a terminal."""

NOTES = {
    "interval": "± half the t-interval of 95 % over seeds; numbers without ± are of one seed, or of all together.",
    "best": f"Bold: the largest mean ToW, and those that a paired test over seeds does not tell apart from it (p of "
    f"{LEVEL:g} or more after Holm); of a single seed the largest alone.",
    "ceiling": "* ToW of a retrained model against those of the other seeds: what can be reached.",
    "diverged": "k/n: only k of n runs finished. Their means stand in parentheses, without interval, since the runs "
    "that are left were picked by the outcome; they take no part in the best ToW.",
    "points": "MIA gap: percentage points above the retrained model; nearer to 0 is better. relearn: percentage points "
    "of forget accuracy above the retrained model, mean over the attack; lower is better.",
    "drawn": f"MIA: {shadow_words(drawn=True)}; its spread: standard deviation over them, mean over seeds.",
    "first": f"MIA without a spread: {shadow_words(drawn=False)}.",
    "classes": "test % kept, forgotten: on test images of the classes that stay, and of those that are forgotten; "
    "AUC within: attack by a threshold, forgotten images against test images of their own class.",
    "klom": "KLoM, in nats, is to be read beside its floor: retrained models against retrained models.",
}  # fmt: skip
"""What a reader of the table must know."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the table."""

    summary: Summary
    """Whose numbers they are."""
    method: str
    """Method's name."""
    optimizer: str
    """Optimizer's name; a dash for the model before unlearning."""
    runs: str
    """How many runs, or how many of how many."""
    cells: tuple[str, ...]
    """A text for each column."""
    best: bool
    """Whether its ToW is the best of the block, or not told apart from it."""


def lines_of(block: Block, columns: Sequence[Column] = COLUMNS) -> tuple[Line, ...]:
    """The lines of a block: retrained, pretrained, then the methods; the best in ToW among the methods are marked."""
    best = told_best(block)
    return tuple(
        Line(
            summary=each,
            method=each.title,
            optimizer=DASH if each.group.method == PRETRAINED else each.optimizer_words,
            runs=_runs(each),
            cells=tuple(_cell(each, column) for column in columns),
            best=any(each is one for one in best),
        )
        for each in block.summaries
    )


def written(value: float, column: Column) -> str:
    """A number of a column, with a minus sign instead of a hyphen.

    Example:
        >>> written(-0.0123, COLUMNS[7]), written(123.4, COLUMNS[12]), written(0.4567, COLUMNS[12])
        ('−1.2', '123', '0.457')
    """
    decimals = column.decimals
    if decimals is None:
        decimals = 2 if value == 0.0 else max(0, 2 - math.floor(math.log10(abs(value))))
    return _rounded(value * column.scale, decimals, "+" if column.signed else "-")


def _rounded(value: float, decimals: int, sign: str = "-") -> str:
    return with_minus(f"{value:{sign}z.{decimals}f}")


def _runs(summary: Summary) -> str:
    n = len(summary.rows)
    return f"{len(summary.finished)}/{n}" if summary.diverged else str(n)


def _cell(summary: Summary, column: Column) -> str:
    if summary.rows and not summary.finished:
        return "diverged" if column.name == "tow" else DASH
    # The retrained model is its own reference, so its ToW of 1 says nothing.
    ceiling = column.name == "tow" and summary.group.method == RETRAINED
    if summary.group.method == RETRAINED and column.name in ("mia_gap", "relearn"):
        return "0"  # against itself
    mean = summary.means["tow_other_seeds" if ceiling else column.name]
    if mean.value is None:
        return DASH
    text = written(mean.value, column)
    if summary.diverged:
        return f"({text})"
    return text + _half_width(mean, column) + ("*" if ceiling else "")


def _half_width(mean: Mean, column: Column) -> str:
    """The half-width, to as many digits as the mean."""
    if mean.half_width is None or mean.value is None or not column.interval:
        return ""
    decimals = column.decimals
    if decimals is None:
        behind = written(mean.value, column).partition(".")[2]
        decimals = len(behind)
    return f"±{_rounded(mean.half_width * column.scale, decimals)}"
