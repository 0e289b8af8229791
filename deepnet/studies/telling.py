"""How far a training is, told seldom enough to cost nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypedDict

__all__ = ["Telling", "told"]

_OFTEN = 0.25
"""Seconds between two words on how far a training is."""


class Telling(TypedDict):
    """What `apply` tells of the steps that there are and were."""

    on_plan: Callable[[int], None]
    on_step: Callable[[int], None]


def told(tell: Callable[[float], None]) -> Telling:
    """What tells the share of a training that is done, as `apply` takes it; seldom enough to cost nothing."""
    total, due = 1, time.monotonic() + _OFTEN

    def plan(steps: int) -> None:
        nonlocal total
        total = max(steps, 1)

    def step(number: int) -> None:
        nonlocal due
        now = time.monotonic()
        if now >= due:
            due = now + _OFTEN
            tell(number / total)

    return {"on_plan": plan, "on_step": step}
