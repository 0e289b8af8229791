"""The ledger of the theory: every claim, its effect and its verdict."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from paper_figs.workshop.caption import Caption
from paper_figs.workshop.ledger_picture import draw_rows, tally
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure
from simulate.house.words.counting import counted

__all__ = ["draw", "main", "told"]


def draw(results: Results) -> tuple[Figure, Caption]:
    """One line a claim."""
    rows = results.ledger()
    return draw_rows(rows), Caption(
        shows=(
            f"{told(rows)} Grey: the effects a claim allows; marker and line: the measured effect and its interval, in "
            "the colour of the verdict. A claim is supported if its whole interval lies in the grey, refuted if it "
            "lies outside, and inconclusive across the border. Effects are shown on a scale on which a region "
            "between two ends is [−1, 1]; of a half-line, the one end is at −1 or 1 and the unit is the distance to "
            "the end of the negative control's region (or the end's own size). Beyond ±1 the scale is logarithmic; "
            "arrows lie beyond the axis. On the right: effect and interval as they are. On the left: name of the claim "
            "and number of its group."
        )
    )


def told(rows: list[dict[str, Any]]) -> str:
    """Counts, confidence and controls of a ledger, in sentences."""
    found_out = sum(row["control"]["verdict"] == "refuted" for row in rows)
    return (
        f"{counted(len(rows), 'claim')}: {tally(rows)}. Confidence {rows[0]['confidence']}. Of their negative controls "
        f"{found_out} are refuted, as they have to be."
    )


main = figure(draw, number=9)
