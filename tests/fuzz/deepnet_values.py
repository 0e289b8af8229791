"""Arguments that are mostly valid: each field has its valid values, and now and then one is something odd."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

Door = Callable[[], object]
Draw = Callable[[st.SearchStrategy[Any]], Any]
Values = Mapping[str, st.SearchStrategy[Any]]

HUGE = 10**400

ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        None, True, False, "", "3", "sgd", b"x", -1, 0, 1, 2, 3, 0.5, -0.5, 1.0, 2.5, float("nan"), float("inf"),
        -float("inf"), 1e308, -1e308, 5e-324, HUGE, -HUGE, 2**63, 1 + 2j, np.float64(0.5), np.float32("nan"),
        np.int64(3), np.bool_(True), (), (1,), [1, 2], {}, {"a": 1}, object,
    ]
)  # fmt: skip
"""Boundary values, wrong types, and numbers too large for any machine type."""


def among(*values: Any) -> st.SearchStrategy[Any]:
    """One of these values."""
    return st.sampled_from(values)


FRACTION = among(0.0, 0.1, 0.5, 1.0, 0, 1, np.float64(0.3), 1e-300)
POSITIVE = among(1e-3, 0.1, 1, 2.0, np.float64(0.5))
COUNT = among(0, 1, 2, 3, np.int64(2))
LEAST_TWO = among(2, 3, 10, np.int64(4))


@st.composite
def arguments(draw: Draw, valid: Values, required: tuple[str, ...] = (), odd: Any = ODD) -> dict[str, Any]:
    """Some of the fields with valid values; in half of the cases one or two are then replaced by something odd."""
    chosen = {name: draw(values) for name, values in valid.items() if name in required or draw(st.booleans())}
    for _ in range(draw(among(0, 0, 0, 1, 1, 2))):
        name = draw(among(*valid, *valid, "unknown_key"))
        chosen[name] = draw(odd)
    return chosen


def spoilt(values: st.SearchStrategy[Any], odd: Any = ODD) -> st.SearchStrategy[Any]:
    """A valid value nine times out of ten, and else something odd."""
    return st.integers(0, 9).flatmap(lambda luck: odd if luck == 9 else values)
