"""What the code is by which a claim is measured, so that results of other code are not taken for its own."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterable
from functools import cache, partial
from pathlib import Path
from typing import Any

from simulate.house.sources import code_of

__all__ = ["code_behind"]

_ROOT = Path(__file__).parents[2]
_DECIDE = (
    "simulate/problems", "simulate/test_error", "simulate/dynamics", "simulate/runs", "simulate/boundaries",
    "theory/experiments", "theory/formulas", "theory/statistics.py",
)  # fmt: skip
"""Rooms on which every experiment may hang."""


def code_behind(measure: Callable[..., Any]) -> str:
    """A word that changes with the code that measures; comments, docstrings and the form of the text do not count.

    Args:
        measure: The function of a claim.
    """
    while isinstance(measure, partial):
        measure = measure.func
    own = inspect.getsourcefile(inspect.unwrap(measure))
    return _digest([_common(), *([] if own is None else [code_of(Path(own))])])


@cache
def _common() -> str:
    places = (_ROOT / place for place in _DECIDE)
    files = (file for place in places for file in ([place] if place.is_file() else sorted(place.rglob("*.py"))))
    return _digest(f"{file.relative_to(_ROOT).as_posix()} {code_of(file)}" for file in files)


def _digest(words: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]
