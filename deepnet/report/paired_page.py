"""The paired tests as a page of Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from deepnet.report.cells import DASH
from deepnet.report.comparison import LEVEL, Comparison
from deepnet.report.escaping import markdown
from deepnet.report.summary import Summary
from theory.ledger.wording import with_minus

__all__ = ["paired_tests_page"]

_HEADINGS = ("method", "against", "pairs", "difference", "95 % interval", "p", "p (Holm)", "finding", "remark")


def paired_tests_page(comparisons: Sequence[Comparison], warnings: Sequence[str] = ()) -> str:
    """All comparisons, question by question and block by block.

    Args:
        comparisons: Those of a study, corrected together.
        warnings: What the reader has to know of the results.
    """
    tested = sum(each.p is not None for each in comparisons)
    parts = ["# Paired tests", *warnings, _introduction(tested) if comparisons else "There is nothing to compare."]
    for question, asked in groupby(comparisons, key=lambda each: each.question):
        parts.append(f"## {markdown(question)}")
        for words, members in groupby(asked, key=lambda each: each.block.words):
            parts += [f"### {markdown(words)}", _table(tuple(members))]
    return "\n\n".join(parts) + "\n"


def _introduction(tested: int) -> str:
    return (
        "Differences are of runs with the same seeds, method minus what it is compared with; accuracies in percentage "
        "points. Intervals are paired t-intervals of 95 %, each for itself. The last p-value is corrected after Holm "
        f"over the tests of its question, or of its block where the question is which is best ({tested} in all); the "
        f"finding is called higher or lower where it is below {LEVEL:g}. A difference that is not resolved is not "
        "shown to be absent."
    )


def _table(comparisons: Sequence[Comparison]) -> str:
    rows: list[tuple[str, ...]] = [_HEADINGS, ("---", "---", "--:", "--:", "--:", "--:", "--:", "---", "---")]
    rows += [_line(each) for each in comparisons]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def _line(each: Comparison) -> tuple[str, ...]:
    scale, decimals = (100.0, 1) if each.column.endswith("accuracy") else (1.0, 3)

    def number(value: float) -> str:
        return with_minus(f"{scale * value:+z.{decimals}f}")

    interval = DASH if each.low is None or each.high is None else f"[{number(each.low)}, {number(each.high)}]"
    return (
        markdown(_words(each.treatment)), markdown(_words(each.baseline)), str(each.n),
        DASH if each.difference is None else number(each.difference), interval, _probability(each.p),
        _probability(each.p_holm), each.verdict, each.note,
    )  # fmt: skip


def _words(summary: Summary) -> str:
    return f"{summary.title}, {summary.optimizer_words}"


def _probability(value: float | None) -> str:
    return DASH if value is None else "under 0.0001" if value < 1e-4 else f"{value:.4f}"
