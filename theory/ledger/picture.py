"""The picture that goes with a claim, as data: whoever shows it decides how it looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

__all__ = ["Curve", "Picture"]


@dataclass(frozen=True, eq=False)
class Curve:
    """One series.

    Attributes:
        label: Its name in the legend; names of optimizers get their own colour.
        x: Positions, (N,).
        y: Values, (N,).
        low: Lower ends of the bars, (N,), or None.
        high: Upper ends of the bars, (N,), or None.
        style: "points" for what was measured, "line" for what was predicted, "both" for points that are joined.
    """

    label: str
    x: np.ndarray
    y: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    style: Literal["points", "line", "both"] = "points"


@dataclass(frozen=True, eq=False)
class Picture:
    """One pair of axes.

    Attributes:
        x_label: Label of the x axis, with LaTeX between dollars.
        y_label: Label of the y axis.
        curves: What is drawn.
        x_log: Whether the x axis is logarithmic.
        y_log: Whether the y axis is.
        ticks: Words at the positions 0, 1, … of the x axis in place of numbers.
    """

    x_label: str
    y_label: str
    curves: tuple[Curve, ...]
    x_log: bool = False
    y_log: bool = False
    ticks: tuple[str, ...] = ()
