"""Deep networks: the deep ledger, one column per scale, every claim in units of its smallest effect of interest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from paper_figs.workshop.caption import Caption
from paper_figs.workshop.deep_data import Scale, nothing_to_draw, scales, unvaried
from paper_figs.workshop.ledger_lines import Lines, lines_of, name_lines, verdict_handles
from paper_figs.workshop.ledger_picture import region_of, tally
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure
from paper_figs.workshop.style import legend_below, new_figure
from simulate.house.counting import counted
from simulate.house.drawing.palette import VERDICT_MARKERS, VERDICTS
from simulate.house.verdicts import Verdict
from theory.ledger.wording import number

__all__ = ["draw", "in_margins", "is_untrusted", "main", "names_of", "told"]

Row = Mapping[str, Any]
_TITLES, _END, _COLUMNS = (2.3, 1.9, 1.6), 40.0, 3  # inches for titles by columns; end of the axis; panels in a row
_NO_EFFECT = (Verdict.NOT_RUN.value, Verdict.NOT_TESTABLE.value)
"""Verdicts of rows without an effect."""


def draw(results: Results) -> tuple[Figure, Caption]:
    """One line per claim, one column per scale."""
    shown = scales(results, "ledger.json")
    names = names_of(shown)
    if not names:
        raise nothing_to_draw("claims", shown)
    blocks = _blocks(shown)
    columns = max(len(scales_there) for scales_there, _ in blocks)
    layouts = [lines_of(claims, _TITLES[columns - 1]) for _, claims in blocks]
    heights = [lines.height + 0.68 for lines in layouts]
    made = new_figure(sum(heights) + 0.4)
    grid = made.subplots(len(blocks), columns, sharey="row", squeeze=False, height_ratios=heights)
    for panels, (scales_there, _), lines in zip(grid, blocks, layouts, strict=True):
        for axes, scale in zip(panels, scales_there, strict=False):
            _draw_panel(axes, scale, lines)
        for axes in panels[len(scales_there) :]:
            axes.set_axis_off()
        name_lines(panels[0], lines)
    rows = [row for scale in shown for row in scale.published.ledger]
    drawn = [row["verdict"] for row in rows if _is_shown(row, blocks) and row["verdict"] not in _NO_EFFECT]
    handles: list[Any] = verdict_handles({verdict: verdict for verdict in drawn})
    legend_below(made, [*handles, Patch(color="0.9", label="too small to be of interest")], columns=4)
    return made, Caption(
        answers=" ".join(filter(None, map(_answer, shown))),
        shows=(
            f"{told(shown)} Across: the effect and its interval in units of the smallest effect of interest, to the "
            "right where the claim is right; grey: smaller than that. A claim is supported if its whole interval lies "
            "to the right of 0 and does not lie in the grey, refuted if to the left, has no effect of interest if it "
            "lies in the grey, and is inconclusive otherwise. Beyond ±2 the scale is logarithmic; arrows lie beyond "
            "the axis. Hollow: decided, but the negative control was not refuted, so that it deserves no trust. Claims "
            "that were run at no scale of a row are left out of it. Open questions, and scales that "
            "differ from another in one thing, have panels of their own."
        ),
    )


def _is_shown(row: Row, blocks: Sequence[tuple[list[Scale], list[Row]]]) -> bool:
    return any(row["name"] == claim["name"] for _, claims in blocks for claim in claims)


def _blocks(shown: Sequence[Scale]) -> list[tuple[list[Scale], list[Row]]]:
    """Scales side by side, those that are no variant first, with the claims that were run at one of them.

    Open questions have panels of their own.
    """
    first = unvaried(shown)
    rest = [scale for scale in shown if scale not in first]
    found: list[tuple[list[Scale], list[Row]]] = []
    for scales_there in (*_in_rows(first), *_in_rows(rest)):
        rows = [row for scale in scales_there for row in scale.published.ledger]
        were_run = {row["name"] for row in rows if row["verdict"] != "not run"}
        every: dict[str, Row] = {row["name"]: row for row in rows}
        claims = [row for name, row in every.items() if name in were_run] or [*every.values()]
        for is_open in (False, True):
            part = [row for row in claims if (row["family"] == "open") is is_open]
            here = [scale for scale in scales_there if _was_run(scale, part)] or scales_there
            found += [(here, part)] if part else []
    return found


def _was_run(scale: Scale, claims: Sequence[Row]) -> bool:
    """Whether one of some claims was run at a scale."""
    names = {claim["name"] for claim in claims}
    return any(row["verdict"] != "not run" for row in scale.published.ledger if row["name"] in names)


def _in_rows(shown: Sequence[Scale]) -> list[list[Scale]]:
    return [list(shown[start : start + _COLUMNS]) for start in range(0, len(shown), _COLUMNS)]


def in_margins(row: Row) -> tuple[float, float, float] | None:
    """Effect and interval in units of the smallest effect of interest, positive as the claim has it.

    Args:
        row: A row of a ledger.

    Returns:
        Effect, lower and upper end; None for a row without effect, interval or margin.

    Example:
        >>> in_margins({"effect": -0.25, "interval": [-0.5, 0.25], "predicted": "≤ 0", "margin": 0.25})
        (1.0, -1.0, 2.0)
    """
    if row["effect"] is None or row["interval"] is None or not row.get("margin"):
        return None
    sign = -1.0 if np.isfinite(region_of(row["predicted"]).high) else 1.0
    ends = sorted(sign * end / row["margin"] for end in row["interval"])
    return sign * row["effect"] / row["margin"], ends[0], ends[1]


def names_of(shown: Sequence[Scale]) -> dict[str, int]:
    """Names of all claims with their numbers, by number."""
    found = {row["name"]: row["number"] for scale in shown for row in scale.published.ledger}
    return dict(sorted(found.items(), key=lambda item: item[1]))


def _draw_panel(axes: Axes, scale: Scale, lines: Lines) -> None:
    axes.axvspan(-1.0, 1.0, color="0.9", lw=0, zorder=0)
    axes.axvline(0.0, color="0.6", lw=0.5, zorder=1)
    for row in scale.published.ledger:
        if row["name"] in lines.places:
            _draw_row(axes, lines.places[row["name"]], row)
    axes.set_xscale("symlog", linthresh=2.0, linscale=1.5)
    axes.set_xlim(-_END, _END)
    axes.set_xticks([-20, -2, -1, 0, 1, 2, 20], ["−20", "", "−1", "0", "1", "", "20"])
    axes.minorticks_off()
    axes.set_xlabel("effect / smallest\neffect of interest")
    axes.set_title(scale.name, fontsize=7.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _draw_row(axes: Axes, place: float, row: Row) -> None:
    """Interval and marker; an arrow where the effect lies beyond the axis."""
    color, found = VERDICTS[row["verdict"]], in_margins(row)
    if found is None:  # any mark would say: measured as 0
        told = row["verdict"] if row["verdict"] in _NO_EFFECT else "no interval"
        axes.text(0.0, place, told, color="0.45", fontsize=6.0, ha="center", va="center", zorder=2)
        return
    value, low, high = np.clip(found, -0.93 * _END, 0.93 * _END)
    axes.plot([low, high], [place, place], color=color, lw=1.1, solid_capstyle="butt")
    marker = VERDICT_MARKERS[row["verdict"]] if abs(found[0]) < 0.93 * _END else (">" if found[0] > 0 else "<")
    hollow = {"mfc": "white", "mew": 0.8} if is_untrusted(row) else {"mew": 0.3}
    axes.plot(value, place, marker=marker, color=color, ms=3.6, **hollow)


def is_untrusted(row: Row) -> bool:
    """Whether a row is decided though its negative control is not refuted."""
    return row["verdict"] not in (*_NO_EFFECT, "inconclusive") and row["control"]["verdict"] != "refuted"


def _answer(scale: Scale) -> str:
    """The paper's claims by their verdicts, at a scale; nothing of one at which none was run."""
    rows = [row for row in scale.published.ledger if row["family"] == "paper"]
    if all(row["verdict"] == Verdict.NOT_RUN.value for row in rows):
        return ""
    return (
        f"Of the paper's own {counted(len(rows), 'claim')}, as its summaries state them, at the scale {scale.name} "
        f"({scale.about}): {tally(rows)}."
    )


def told(shown: Sequence[Scale]) -> str:
    """Counts and controls of each scale, in sentences."""
    parts = []
    for scale in shown:
        rows = scale.published.ledger
        family = [row for row in rows if row["family"] == "paper"]
        controls = [row["control"]["verdict"] for row in rows if row["control"]["effect"] is not None]
        standing = sum(verdict != "refuted" for verdict in controls)
        parts.append(
            f"{scale.name}, {rows[0]['budget'].partition(', ')[2]}: {tally(rows)}; of the paper's own "
            f"{number(len(family))} claims {tally(family)}. {len(controls) - standing} of {len(controls)} negative "
            "controls that were measured are refuted, as they have to be."
        )
    return " ".join(parts)


main = figure(draw, number=15, asks="Which claims on deep networks hold?")
