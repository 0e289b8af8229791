"""Values that do not belong: wrong types, ends of ranges, numbers beyond floats, arrays in odd dress."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

NUMBERS = (
    0, 1, 2, 3, -1, 2**31, 2**63 - 1, 2**63, 10**400, -(10**400), 0.0, -0.0, 0.5, 1.0, 1.5, -0.1, 5e-324, 1e-300,
    1e-12, 1e12, 1e308, float("nan"), float("inf"), -float("inf"), np.float32(0.25), np.float64(0.5), np.float16(2.0),
    np.int64(2), np.int8(1), np.uint64(2**64 - 1), np.float64("nan"), np.longdouble(1.5), Fraction(1, 3),
    Decimal("0.5"),
)  # fmt: skip
"""Numbers: some fit some arguments."""
THINGS = (
    None, True, False, np.bool_(True), "", "1", "0.5", "nan", "x y", "ζ", "\0", b"1", 1j, np.complex128(1.0), (), [],
    {}, set(), [1], (0.5,), [None], ["SGD"], range(3), {"d": [1]}, object(), int, len, np.array(2.0), np.array([1.0,
        2.0]),
    np.array([]), np.array("x"), np.array([None]), np.datetime64(0, "s"), slice(3),
)  # fmt: skip
"""Things that are no numbers."""
NASTY = st.sampled_from((*NUMBERS, *NUMBERS, *THINGS))

FAULTS = st.sampled_from([0] * 14 + [1])
"""How many values of one part of a configuration are replaced; most configurations have several parts."""
OFTEN = st.sampled_from([0] * 4 + [1] * 3 + [2])
"""The same for a configuration of one part."""


@st.composite
def spoiled(
    draw: Any,
    good: Mapping[str, SearchStrategy[Any]],
    keep: tuple[str, ...] = (),
    often: bool = False,
) -> dict[str, Any]:
    """Keywords that are good, or of which one or two are replaced; now and then one is missing or unknown.

    Args:
        draw: Given by Hypothesis.
        good: A strategy for each keyword; about a third of them is left out, to take the default.
        keep: Keywords that are never left out, nor replaced.
        often: Whether one is replaced in every other configuration, and not in every fifteenth.
    """
    chosen = {name: draw(values) for name, values in good.items() if name in keep or draw(st.integers(0, 2))}
    free = sorted(set(good) - set(keep))
    for _ in range(draw(OFTEN if often else FAULTS)):
        if draw(st.integers(0, 19)) == 0:
            chosen["unknown"] = 1
        elif free:
            chosen[draw(st.sampled_from(free))] = draw(NASTY)
    return chosen


def build(cls: Any, keywords: Mapping[str, Any]) -> tuple[Any, Mapping[str, Any]]:
    """A construction that is to be tried at the door, not before."""
    return cls, keywords


def made(value: Any) -> Any:
    """What constructions stand for, all the way down."""
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], type) and isinstance(value[1], dict):
        return value[0](**{name: made(inner) for name, inner in value[1].items()})
    return [made(inner) for inner in value] if isinstance(value, list) else value


def dressed(array: np.ndarray) -> SearchStrategy[Any]:
    """The same numbers in other dress: lists, other strides, byte orders and types, and read-only."""
    strided = np.repeat(array, 2, axis=-1)[..., ::2]
    frozen = array.copy()
    frozen.flags.writeable = False
    forms = [array, array.tolist(), strided, frozen, np.asfortranarray(array), array[::-1][::-1]]
    if array.dtype.kind == "f":
        forms += [array.astype(">f8"), array.astype(np.float32), array.astype(object), array.astype(np.longdouble)]
    return st.sampled_from(forms)


def torn(array: np.ndarray) -> SearchStrategy[Any]:
    """Arrays that do not fit in the place of this one."""
    flat = array.astype(float)
    holed = flat.copy()
    holed.flat[0] = np.nan
    huge = np.full_like(flat, 1e308)
    tiny = np.full_like(flat, 5e-324)
    return st.sampled_from(
        [flat[..., :-1], flat[:-1], flat[None], flat[:0], flat.ravel(), holed, huge, tiny, -flat, 1j * flat,
         np.zeros_like(flat), np.ones_like(flat), flat.astype(str), flat.astype(bool), flat.astype(np.int8),
         flat * 1e200]
    )  # fmt: skip
