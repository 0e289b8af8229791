"""The colours, markers and lines of the house, so that a name looks the same in every figure. Imports nothing.

Optimizers and verdicts are told apart by their colour alone, with deficient colour vision too (Okabe and Ito), and
without any colour by their markers, optimizers also by their lines. Sixteen colours cannot all be as far apart: methods
of unlearning differ in their marker as well. A second thing (the set, the pretraining) is told by markers that are
filled or open.
"""

__all__ = [
    "COLORS",
    "LINES",
    "MARKERS",
    "METHODS",
    "OPTIMIZERS",
    "SERIES",
    "VERDICTS",
    "VERDICT_INKS",
    "VERDICT_MARKERS",
]

OPTIMIZERS = {"SGD": "#0072B2", "SAM": "#D55E00", "ASAM": "#CC79A7", "SharpMinMax": "#009E73"}
"""Colour of each optimizer."""

METHODS = {
    "retrain": "#000000",
    "pretrained": "#767676",
    "finetune": "#80BFFF",
    "l1-sparse": "#6A406A",
    "random-label": "#AABF2A",
    "salun": "#EAAAAA",
    "ascent": "#AA1500",
    "neggrad": "#2A2ABF",
    "retain-sam": "#AA80EA",
    "sharp-minmax": OPTIMIZERS["SharpMinMax"],
    "scrub": "#401580",
    "influence": "#6A0015",
    "selection": "#AA00FF",
}
"""Colour of each method of unlearning, and of the models before it and without the forget set."""

COLORS = {**OPTIMIZERS, **METHODS}
"""Colour of every optimizer and method, by its name; Sharp MinMax is both, and has one colour."""

VERDICTS = {
    "supported": "#0072B2", "refuted": "#D55E00", "no effect of interest": "#404040", "inconclusive": "#CC79A7",
    "outside the hypotheses": "#56B4E9", "not testable": "#767676",
    "not run": "#C8C8C8",
}  # fmt: skip
"""Colour of each verdict of a ledger."""

VERDICT_MARKERS = {
    "supported": "o", "refuted": "X", "no effect of interest": "s", "inconclusive": "D", "outside the hypotheses": "P",
    "not testable": "|", "not run": "_",
}  # fmt: skip
"""Marker of each verdict, as matplotlib names it."""

VERDICT_INKS = {
    "supported": "#FFFFFF", "refuted": "#000000", "no effect of interest": "#FFFFFF", "inconclusive": "#000000",
    "outside the hypotheses": "#000000", "not testable": "#FFFFFF",
    "not run": "#000000",
}  # fmt: skip
"""Colour of words on the colour of a verdict; each pair has a contrast of at least 4.5 (WCAG 2, level AA)."""

SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#5D3A9B", "#7F5F00")
"""Colours of series that have no name of their own here, in the order in which they are taken."""

MARKERS = {
    "SGD": "o",
    "SAM": "s",
    "ASAM": "D",
    "SharpMinMax": "^",
    "retrain": "*",
    "pretrained": "x",
    "finetune": "v",
    "l1-sparse": "<",
    "random-label": ">",
    "salun": "p",
    "ascent": "h",
    "neggrad": "P",
    "retain-sam": "X",
    "sharp-minmax": "^",
    "scrub": "d",
    "influence": "8",
    "selection": "+",
}
"""Marker of every optimizer and method, as matplotlib names it; no two share one."""

LINES = {"SGD": "-", "SAM": "--", "ASAM": ":", "SharpMinMax": "-."}
"""Line of each optimizer, as matplotlib names it."""
