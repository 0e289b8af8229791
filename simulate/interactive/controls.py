"""The controls, one line a setting: its kind, its range and its label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ipywidgets import BoundedIntText, Dropdown, FloatLogSlider, FloatSlider, IntSlider, Layout

__all__ = ["choice", "linear", "logarithmic", "number", "whole"]

_STYLE = {"description_width": "7.5em"}
_LAYOUT = Layout(width="auto", min_width="0")


def linear(label: str, value: float, low: float, high: float, step: float, **options: Any) -> FloatSlider:
    """A slider over an interval."""
    return FloatSlider(value=value, min=low, max=high, step=step, **_common(label), **options)


def whole(label: str, value: int, low: int, high: int, step: int = 1, **options: Any) -> IntSlider:
    """A slider over whole numbers."""
    return IntSlider(value=value, min=low, max=high, step=step, **_common(label), **options)


def logarithmic(label: str, value: float, low: float, high: float, step: float, **options: Any) -> FloatLogSlider:
    """A slider over the powers 10^low … 10^high, by `step` in the exponent."""
    return FloatLogSlider(value=value, base=10, min=low, max=high, step=step, **_common(label), **options)


def choice(label: str, value: str, options: Sequence[str]) -> Dropdown:
    """A list of words."""
    return Dropdown(value=value, options=list(options), **_common(label))


def number(label: str, value: int) -> BoundedIntText:
    """A field for a whole number of at least 0."""
    return BoundedIntText(value=value, min=0, max=2**31, **_common(label))


def _common(label: str) -> dict[str, Any]:
    return {"description": label, "style": _STYLE, "layout": _LAYOUT}
