"""Deep networks: which conclusions survive each correction of the released code."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from deepnet.publishing import Contrast
from paper_figs.workshop.caption import Caption
from paper_figs.workshop.deep_data import forget_words, nothing_to_draw, published, scale_words
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure
from paper_figs.workshop.style import legend_below, new_figure
from simulate.house.drawing.palette import VERDICTS
from theory.ledger.wording import with_minus

__all__ = ["MARKS", "draw", "main"]

MARKS = {"supported": "o", "refuted": "X", "inconclusive": "$?$"}
"""Marker of each verdict."""
_WORDS = {
    "": "corrected", "mask_polarity": "mask polarity", "max_leak": "mask leaks", "adamw": "AdamW",
    "split_seed": "split seed", "signed_tow": "signed ToW", "m_entropy": "entropy", "randaugment": "RandAugment",
    "decay_through_masks": "decay in masks", "forget_statistics": "BN statistics", "cycled_forget": "cycled batches",
    "scrub_epoch": "SCRUB's epoch", "own_maximum": "own maximum", "whole_shadow": "shadow set",
}  # fmt: skip
_ROW, _HEAD = 0.31, 1.25  # inches


def draw(results: Results) -> tuple[Figure, Caption]:
    """Conclusions down the page, quirks across it; each cell an effect and its verdict."""
    found = published(results, "contrasts.csv")
    contrasts = found.contrasts
    if not contrasts:
        raise nothing_to_draw(found, "conclusions", ["main"])
    quirks = list(dict.fromkeys(each.quirk for each in sorted(contrasts, key=_column)))
    conclusions = {each.conclusion: each.words for each in contrasts}
    made = new_figure(_ROW * len(conclusions) + _HEAD)
    axes = made.subplots()
    for each in contrasts:
        _draw_cell(axes, each, quirks.index(each.quirk), list(conclusions).index(each.conclusion))
    _frame(axes, quirks, list(conclusions.values()))
    legend_below(made, _handles(), columns=4)
    seeds = sorted({each.seeds for each in contrasts})
    told = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    return made, Caption(
        shows=(
            "Conclusions on NegGrad and Sharp MinMax (rows) with single quirks of the released code switched on "
            "(columns); the first column is the corrected code. Numbers are effects, positive where the conclusion "
            "holds: ASAM less SGD, or Sharp MinMax less NegGrad, in ToW, in how much nearer to the retrained model an "
            "attack sees it (MIA: by confidence; entropy: by modified entropy), in how much less entangled its "
            "features are; forget accuracy of ASAM less SGD; lead while relearning, both with ASAM. The verdict is "
            f"that of Student's 95 % interval over {told} seeds, each cell for itself: of so many cells some are "
            "decided by chance. A frame: the effect differs from that of the corrected code at the same seeds, the "
            "95 % interval of the paired difference without 0. Empty: not run, or not concerned. The "
            f"{forget_words(contrasts[0].forget_set)} samples are forgotten, after pretraining with SGD.\n\n"
            f"{_survival(contrasts)} {scale_words(found)}"
        )
    )


def _column(contrast: Contrast) -> int:
    names = list(_WORDS)
    return names.index(contrast.quirk) if contrast.quirk in names else len(names)


def _changed(contrast: Contrast) -> bool:
    """Whether the effect differs from that of the corrected code."""
    low, high = contrast.change_low, contrast.change_high
    return low is not None and high is not None and (low > 0.0 or high < 0.0)


def _survival(contrasts: Sequence[Contrast]) -> str:
    """How many verdicts stay as they are, as a sentence."""
    corrected = {each.conclusion: each.verdict for each in contrasts if not each.quirk}
    others = [each for each in contrasts if each.quirk and each.conclusion in corrected]
    same = sum(each.verdict == corrected[each.conclusion] for each in others)
    turned = sum({each.verdict, corrected[each.conclusion]} == {"supported", "refuted"} for each in others)
    return (
        f"In {same} of {len(others)} cells the verdict is that of the corrected code; in {turned} it is turned round."
    )


def _draw_cell(axes: Axes, contrast: Contrast, x: int, y: int) -> None:
    color = VERDICTS[contrast.verdict]
    tint = tuple(1.0 - 0.28 * (1.0 - np.array(to_rgb(color))))
    axes.add_patch(Rectangle((x - 0.47, y - 0.45), 0.94, 0.9, facecolor=tint, lw=0, zorder=1))
    if _changed(contrast):
        axes.add_patch(Rectangle((x - 0.47, y - 0.45), 0.94, 0.9, fill=False, edgecolor="black", lw=1.0, zorder=2))
    axes.plot(x - 0.32, y, marker=MARKS[contrast.verdict], color=color, ms=3.6, mew=0.3, zorder=3)
    if contrast.effect is not None:
        axes.text(x + 0.42, y, with_minus(f"{contrast.effect:z.2f}"), ha="right", va="center_baseline", fontsize=7,
                  zorder=3)  # fmt: skip


def _frame(axes: Axes, quirks: Sequence[str], conclusions: Sequence[str]) -> None:
    axes.set(xlim=(-0.5, len(quirks) - 0.5), ylim=(len(conclusions) - 0.5, -0.5))
    axes.set_yticks(range(len(conclusions)), conclusions)
    axes.set_xticks(range(len(quirks)), [_WORDS.get(quirk, quirk) for quirk in quirks], rotation=40, ha="left",
                    rotation_mode="anchor")  # fmt: skip
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _handles() -> list[Line2D | Rectangle]:
    made: list[Line2D | Rectangle] = [
        Line2D([], [], ls="none", marker=mark, color=VERDICTS[name], ms=4.5, mew=0.3, label=name)
        for name, mark in MARKS.items()
    ]
    return [*made, Rectangle((0, 0), 1, 1, fill=False, edgecolor="black", lw=1.0, label="differs from corrected")]


main = figure(draw, number=16)
