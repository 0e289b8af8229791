"""Doors of `theory` that compute: margins, statements, statistics, thresholds and surfaces."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st

from simulate import SAM, SGD, Loss, NegGrad, Phase, Problem
from tests.fuzz.judgement import Door
from tests.fuzz.simulate_values import NASTY, OFTEN, spoiled
from theory.experiments.forgetting.thresholds import critical_alpha
from theory.experiments.surface import ErrorSurface, boundary_exponents
from theory.formulas import symbols
from theory.formulas.conditions import CONDITIONS, margins, problem_margins
from theory.formulas.statements import STATEMENTS
from theory.statistics import (
    Estimate,
    bootstrap,
    exact,
    from_fractions,
    from_replicates,
    slope,
    slopes,
    worst_of,
)

NAN, INF = math.nan, math.inf
SIZES = st.sampled_from([1.0, 2.5, 1e9, 5, np.float32(2.0), 7, 1e-3, [1.0, 10.0], np.array([[1.0], [2.0]])])
WORDS = ("d", "n", "m", "P", "signal", "sigma_p", "sigma_0", "lr", "tau", "batch", "label_flip", "epsilon")
MARGINS = dict.fromkeys(WORDS, SIZES)


def inspect_margins(keywords: dict[str, Any], found: dict[str, np.ndarray]) -> None:
    """All of one shape, and finite where no side of the condition is 0: without label flips, or noise patches."""
    given = {word: np.asarray(value, float) for word, value in keywords.items() if value is not None}
    assert set(found) <= set(CONDITIONS)
    for name, values in found.items():
        assert values.shape == np.broadcast_shapes(*(value.shape for value in given.values()))
        assert values.dtype == np.float64
        ordinary = all(((value > 1e-9) & (value < 1e20)).all() for value in given.values())
        if ordinary and name not in ("label_flip", "sam_signal"):
            assert np.isfinite(values).all(), name


@st.composite
def single(draw: Any) -> dict[str, Any]:
    """A condition, and what its margin is asked at."""
    name = draw(st.sampled_from(sorted(CONDITIONS)))
    keep = CONDITIONS[name].arguments
    return {"name": name, "values": draw(spoiled(MARGINS, keep=keep if draw(st.integers(0, 5)) else (), often=True))}


@st.composite
def problems(draw: Any) -> dict[str, Any]:
    """A problem with its phases, or what is none."""
    problem = draw(st.sampled_from([Problem(), Problem(n=1, m=1, d=2), Problem(d=10**400), Problem(signal=1e308),
                                    Problem(sigma_p=5e-324), Problem(sigma_0=5e-324),
                                    Problem(label_flip=0.49)]))  # fmt: skip
    optimizer = draw(st.sampled_from([SGD(), SAM(), SAM(tau=0.0), SGD(batch=10**30), SGD(lr=1e308), SAM(tau=5e-324)]))
    phase = Phase(
        "a", draw(st.sampled_from([Loss(), NegGrad()])), optimizer, stop_loss=draw(st.sampled_from([None, 0.0, 1.0]))
    )
    chosen: dict[str, Any] = {"problem": problem, "phases": [phase]}
    if draw(OFTEN):
        chosen[draw(st.sampled_from(["problem", "phases"]))] = draw(NASTY)
    return chosen


def inspect_problem(_: Any, found: dict[str, float]) -> None:
    """Floats, and no NaN."""
    assert found
    assert all(isinstance(value, float) and not math.isnan(value) for value in found.values())


# --- statements --------------------------------------------------------------------------------------------------


@st.composite
def statements(draw: Any) -> dict[str, Any]:
    """A statement, the symbols of its function, and numbers for them."""
    name = draw(st.sampled_from(sorted(name for name, each in STATEMENTS.items() if _is_plain(each))))
    needed = sorted(STATEMENTS[name].free_symbols, key=str)
    given = [*needed, symbols.d] if draw(st.booleans()) and symbols.d not in needed else list(needed)
    if draw(OFTEN) and given:
        given.pop(draw(st.integers(0, len(given) - 1)))
    shape, place = draw(st.sampled_from([(), (3,), (2, 1)])), draw(st.integers(0, 3))
    return {"name": name, "symbols": given, "values": [np.full(shape, _number(each, place)) for each in given]}


def _number(symbol: Any, place: int) -> float:
    """A number that the symbol can have: whole from 2 on for sizes, shares in order below 1/2."""
    shares = {symbols.p: 0.1, symbols.level: 0.3, symbols.alpha: 0.4}
    if symbol in shares:
        return shares[symbol]
    return float(2 + place + len(str(symbol))) if symbol.is_integer else (0.01, 0.5, 2.0, 7.0)[place]


def _is_plain(statement: Any) -> bool:
    """Whether it needs numbers only, and no families."""
    return not any(side.atoms(sympy.Indexed) for side in statement.right_sides)


def _computed(asked: dict[str, Any]) -> Any:
    statement = STATEMENTS[asked["name"]]
    values = statement.function(*asked["symbols"])(*asked["values"])
    plain = {symbol: float(np.ravel(value)[0]) for symbol, value in zip(asked["symbols"], asked["values"], strict=True)}
    return values, [side.xreplace({s: sympy.Float(v) for s, v in plain.items()}) for side in statement.right_sides]


MEANINGS = {
    symbols.Phi: lambda x: (1 + sympy.erf(x / sympy.sqrt(2))) / 2,
    symbols.Phi_inverse: lambda share: sympy.sqrt(2) * sympy.erfinv(2 * share - 1),
    symbols.logistic_slope: lambda z: -1 / (1 + sympy.exp(z)),
    symbols.logistic_curvature: lambda z: 1 / ((1 + sympy.exp(z)) * (1 + sympy.exp(-z))),
    symbols.gate: lambda z: sympy.Heaviside(z, 0),
}
"""The functions of the theory, in those of sympy."""


def inspect_statement(_: Any, found: Any) -> None:
    """NumPy and sympy agree."""
    values, sides = found
    for value, side in zip(values if isinstance(values, tuple) else (values,), sides, strict=True):
        exact_side = side
        for function, meaning in MEANINGS.items():
            exact_side = exact_side.replace(function, meaning)
        expected = complex(exact_side.evalf())
        if np.isfinite(expected.real) and expected.imag == 0.0:
            np.testing.assert_allclose(float(np.ravel(value)[0]), expected.real, rtol=1e-9, atol=1e-300)


# --- statistics --------------------------------------------------------------------------------------------------

ROWS = st.sampled_from(
    [np.arange(5.0), np.zeros(4), [0.1, 0.4, 0.3], np.array([1.0]), np.array([]), np.array([1.0, NAN]), np.full(3,
        1e308),
     np.array([0, 1, 1]), np.float32([0.25, 0.5]), (0.5, 1.0), np.array([True, False]), np.array([INF, 1.0]),
     np.array([[0.1, 0.2], [0.3, 0.4]]), np.array(["a"]), np.array([1j, 2.0]), 5e-324 * np.arange(3.0)]
)  # fmt: skip
TABLES = st.sampled_from(
    [np.arange(6.0).reshape(3, 2), np.ones((2, 1)), np.zeros((1, 3)), np.zeros((0, 2)), np.zeros((2, 0)), np.ones(3),
     np.array([[1.0, NAN], [2.0, 3.0]])]
)  # fmt: skip


def _resampled(n_replicates: Any, resamples: Any) -> Estimate:
    values = np.arange(10.0)
    return bootstrap(lambda chosen: values[chosen % 10].mean(), n_replicates, np.random.default_rng(0), resamples)


STATISTICS: dict[str, tuple[Any, dict[str, Any]]] = {
    "from_replicates": (from_replicates, {"values": ROWS, "comparisons": st.sampled_from([1, 5])}),
    "from_fractions": (from_fractions, {"values": ROWS, "trials": st.sampled_from([1, 100.0, 5e3])}),
    "slope": (slope, {"x": ROWS, "y": ROWS}),
    "slopes": (slopes, {"x": ROWS, "y": TABLES}),
    "worst_of": (worst_of, {"values": TABLES, "pick": st.sampled_from([np.argmin, np.argmax])}),
    "bootstrap": (_resampled, {"n_replicates": st.sampled_from([2, 3, 10]), "resamples": st.sampled_from([2, 20])}),
    "exact": (exact, {"value": st.sampled_from([0.0, 1e-15, NAN, INF, 3])}),
    "Estimate": (Estimate, {"value": st.sampled_from([0.0, 1.0, NAN]), "standard_error": st.sampled_from([0.0, 0.1,
        NAN]),
                            "degrees_of_freedom": st.sampled_from([0, 1, 9, INF]), "comparisons": st.sampled_from([1,
                                3])}),
}  # fmt: skip
"""Each function with strategies for its arguments."""


@st.composite
def statistics(draw: Any) -> dict[str, Any]:
    """A function of `theory.statistics` with its arguments, and for how many rows an interval is asked."""
    name = draw(st.sampled_from(sorted(STATISTICS)))
    good = STATISTICS[name][1]
    return {"name": name, "values": draw(spoiled(good, keep=tuple(good), often=False)) | (
        {draw(st.sampled_from(sorted(good))): draw(NASTY)} if draw(OFTEN) else {}),
        "rows": draw(st.sampled_from([1, 1, 40, 10**6]) | NASTY)}  # fmt: skip


def _estimated(asked: dict[str, Any]) -> Any:
    found = STATISTICS[asked["name"]][0](**asked["values"])
    return (found, found.interval(asked["rows"])) if isinstance(found, Estimate) else (found, None)


def inspect_estimate(_: Any, found: Any) -> None:
    """An estimate lies in its interval, or both are unknown."""
    value, interval = found
    if interval is None:
        assert np.asarray(value).dtype == np.float64
        return
    low, high = interval
    assert math.isnan(low) == math.isnan(high)
    assert math.isnan(low) or low <= value.value <= high
    assert math.isnan(value.standard_error) or value.standard_error >= 0.0


# --- thresholds and surfaces -------------------------------------------------------------------------------------

ALPHAS = st.sampled_from([np.array([0.1, 0.5, 0.9]), np.array([0.5]), [0.1, 0.5, 0.9], np.array([]), np.array([0.9,
    0.5, 0.1]),
                          np.array([0.1, NAN, 0.9]), "abc"])  # fmt: skip
THRESHOLD = {
    "alpha": ALPHAS, "error": st.sampled_from([np.array([0.3, 0.2, 0.1]), np.array([0.1, 0.2, 0.3]), np.array([0.3]),
        [0.3, 0.2, 0.1],
                              np.array([NAN, 0.2, 0.1]), np.array([]), np.zeros(3), np.array([1e308, 1.0, 0.0])]),
    "forgotten": st.sampled_from([np.ones(3), np.zeros(3), np.array([0.0, 1.0, 1.0]), np.ones(1), [1, 1, 1],
        np.ones(4)]),
    "level": st.sampled_from([0.15, 0.0, 0.3, 1.0]),
}  # fmt: skip


def inspect_threshold(asked: dict[str, Any], found: float) -> None:
    """On the axis, or unknown."""
    assert isinstance(found, float)
    assert math.isnan(found) or min(asked["alpha"]) <= found <= max(asked["alpha"])


@st.composite
def surfaces(draw: Any) -> dict[str, Any]:
    """Factors and errors of a surface, or what is none."""
    signal, d = np.repeat([1.0, 2.0, 4.0], 2), np.tile([1e3, 1e4], 3)
    error = np.clip(0.5 - 0.06 * signal + 0.01 * np.log(d), 0.0, 1.0)
    chosen: dict[str, Any] = {
        "factors": draw(st.sampled_from([{"signal": signal, "d": d}, {"signal": signal}, {"signal": -signal, "d": d},
                                         {"signal": 0 * signal}, {"d": d}, {}, {"signal": signal[:3]},
                                         {"signal": np.ones(6)}])),
        "error": draw(st.sampled_from([error, error, error[:2], error.tolist(), np.full(6, NAN), np.full(6, 0.1),
            1 + error])),
        "flip": draw(st.sampled_from([0.0, 0.1, 0.5, 0.49])),
    }  # fmt: skip
    if draw(OFTEN):
        chosen[draw(st.sampled_from(sorted(chosen)))] = draw(NASTY)
    return chosen


def _surface(asked: dict[str, Any]) -> Any:
    surface = ErrorSurface.fit(**asked)
    table = np.stack([asked["error"]] * 3)
    return surface, boundary_exponents(asked["factors"], table, asked["flip"], np.random.default_rng(0))


def inspect_surface(asked: dict[str, Any], found: Any) -> None:
    """An exponent for each factor."""
    surface, boundary = found
    assert set(surface.exponents) == set(asked["factors"])
    assert set(boundary) == set(asked["factors"]) - {"signal"}


DOORS = (
    Door(
        "margins", spoiled(MARGINS, keep=WORDS[:8], often=True), lambda keywords: margins(**keywords), inspect_margins
    ),
    Door("Condition.margin", single(), lambda a: CONDITIONS[a["name"]].margin(**a["values"]), lambda _, found: None),
    Door("problem_margins", problems(), lambda keywords: problem_margins(**keywords), inspect_problem),
    Door("Statement.function", statements(), _computed, inspect_statement, quick=40),
    Door("statistics", statistics(), _estimated, inspect_estimate),
    Door("critical_alpha", spoiled(THRESHOLD, keep=tuple(THRESHOLD)), lambda a: critical_alpha(**a), inspect_threshold),
    Door("ErrorSurface", surfaces(), _surface, inspect_surface, quick=50),
)
