"""The ledger of the theory: every claim, its effect and its verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from paper_figs.workshop.caption import Caption
from paper_figs.workshop.ledger_picture import draw_rows, region_of, tally
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure
from simulate.house.counting import counted

__all__ = ["draw", "joint", "main", "told"]


def draw(results: Results) -> tuple[Figure, Caption]:
    """One line a claim."""
    rows = results.ledger()
    known = [row for row in rows if row["effect"] is not None]
    allowed = sum(region_of(row["predicted"]).low <= row["effect"] <= region_of(row["predicted"]).high for row in known)
    return draw_rows(rows), Caption(
        answers=(
            f"{allowed} of the {len(known)} effects that were measured lie where their claim allows them, at the "
            f"{rows[0]['budget']} budget; by the whole intervals {tally(rows)}."
        ),
        shows=(
            f"{told(rows)} Grey: the effects a claim allows; marker and line: the measured effect and its interval, in "
            "the colour of the verdict. A claim is supported if its whole interval lies in the grey, refuted if it "
            "lies outside, and inconclusive across the border. Effects are shown on a scale on which a region "
            "between two ends is [−1, 1]; of a half-line, the one end is at −1 or 1 and the unit is the distance to "
            "the end of the negative control's region (or the end's own size). Beyond ±1 the scale is logarithmic; "
            "arrows lie beyond the axis. On the right: effect and interval as they are; on the left: the claim, "
            "without "
            "its tolerance. For the appendix; the figure `verdicts` has the same claims at a glance."
        ),
    )


def told(rows: list[dict[str, Any]]) -> str:
    """Counts, confidence and controls of a ledger, in sentences."""
    found_out = sum(row["control"]["verdict"] == "refuted" for row in rows)
    return (
        f"{counted(len(rows), 'claim')}: {tally(rows)}. {joint(rows)} Of their negative controls "
        f"{found_out} are refuted, as they have to be."
    )


def joint(rows: Sequence[Mapping[str, Any]]) -> str:
    """Which intervals of a ledger hold together, in a sentence."""
    words = {"paper": "of the paper", "ours": "of ours", "open": "that are open"}
    sizes = Counter(row["family"] for row in rows)
    families = ", ".join(f"{sizes[family]} {words[family]}" for family in words if sizes[family])
    return (
        f"The intervals of the claims of one family hold together (Bonferroni; families: {families}), with 95 %, or "
        "90 % where a region has two ends."
    )


main = figure(draw, number=9, asks="How large is each effect, beside what its claim allows?")
