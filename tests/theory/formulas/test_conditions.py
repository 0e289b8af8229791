"""Hypotheses as distances: their numbers, signs and directions, arrays, and what is left out."""

import math
from dataclasses import replace

import numpy as np
import pytest
import sympy
from matplotlib.mathtext import MathTextParser

from simulate import SAM, SGD, Loss, NegGrad, Phase, Problem, SharpMinMax
from theory.formulas.conditions import ARGUMENTS, CONDITIONS, Condition, largest_step, margins, problem_margins

POINT = {
    "d": 20_000, "n": 50, "m": 10, "P": 3, "signal": 4.0, "sigma_p": 0.5, "sigma_0": 1e-4, "lr": 0.01,
    "tau": 0.02, "batch": 25, "label_flip": 0.1, "epsilon": 0.01,
}  # fmt: skip
RADII = {"sam_radius_least", "sam_radius_most"}

BY_HAND = {
    "dimension_samples": 20_000 / 50**2,
    "dimension_signal": 20_000 / (50 * 16 / 1.5**2),
    "dimension_batch": 20_000 / (25 * 10 / 1.5**2),
    "filters": 10,
    "samples": 50,
    "signal_noise": 4 / 1.5,
    "label_flip": 10,
    "start_noise": 50**0.5 / (1.5 * 20_000) / 1e-4,
    "start_signal": 1 / 4 / 1e-4,
    "step_filter": 25 * 10 / (1.5**2 * 20_000**1.5) / 0.01,
    "step_batch": 25 / (1.5**2 * 20_000) / 0.01,
    "step_signal": 1e-4 * 25 * 20_000**0.5 * 10 / (50 * 4) / 0.01,
    "step_accuracy": 25**2 * 10 * 0.01 / (50 * 1.5 * 4) / 0.01,
    "sgd_benign": 4 / (400**0.25 * 1.5),
    "sgd_harmful": 400**0.25 * 1.5 / 4,
    "sam_start_least": 1e-4 * 1.5 * 20_000**0.5,
    "sam_start_most": 1 / (1e-4 * 1.5 * 20_000**0.5),
    "sam_radius_least": 0.02 / (10 * 5 / (1.5 * 20_000**0.5)),
    "sam_radius_most": 10 * 5 / (1.5 * 20_000**0.5) / 0.02,
    "sam_signal": 4 / (2 * 0.5),
}
"""larger / smaller at POINT, typed in as numbers."""


@pytest.mark.parametrize("name", CONDITIONS)
def test_numbers_by_hand(name: str) -> None:
    assert CONDITIONS[name].margin(**POINT) == pytest.approx(math.log10(BY_HAND[name]), abs=1e-12)


def test_all_conditions_have_a_number_by_hand() -> None:
    assert set(BY_HAND) == set(CONDITIONS)
    assert {name: condition.name for name, condition in CONDITIONS.items()} == {name: name for name in CONDITIONS}


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=CONDITIONS)
def test_margin_is_the_logarithm_of_the_largest_constant(condition: Condition) -> None:
    values = {ARGUMENTS[word]: POINT[word] for word in condition.arguments}
    (symbol,) = condition.constant.free_symbols
    largest = 10.0 ** float(condition.margin(**POINT))
    for factor, holds in ((0.999, True), (1.001, False)):
        (constant,) = sympy.solve(condition.constant - factor * largest, symbol)
        assert bool(condition.relation.subs({**values, symbol: constant})) is holds


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=CONDITIONS)
def test_constants_and_sources_are_stated(condition: Condition) -> None:
    assert condition.constant.free_symbols
    assert not condition.constant.free_symbols & set(ARGUMENTS.values())
    assert "[" in condition.source
    MathTextParser("path").parse(f"${condition.latex}$")


def test_constants_are_not_shared() -> None:
    constants = [condition.constant for condition in CONDITIONS.values()]
    assert len(set(constants)) == len(constants)


RISES = {
    "d": {"dimension_samples", "dimension_signal", "dimension_batch", "sgd_harmful", "step_signal",
          "sam_start_least", "sam_radius_least"},
    "signal": {"signal_noise", "sgd_benign", "sam_signal"},
    "sigma_p": {"dimension_signal", "dimension_batch", "sgd_harmful", "sam_start_least", "sam_radius_least"},
    "lr": set(),
    "tau": {"sam_radius_least"},
    "label_flip": set(),
    "epsilon": {"step_accuracy"},
}  # fmt: skip
"""The margins that grow with an argument; those that depend on it otherwise fall."""


@pytest.mark.parametrize("word", RISES)
def test_margins_go_the_right_way(word: str) -> None:
    for name, condition in CONDITIONS.items():
        if word not in condition.arguments:
            continue
        low, high = condition.margin(**{**POINT, word: np.array([1.0, 2.0]) * POINT[word]})
        assert (high > low) is np.bool_(name in RISES[word]), name


def test_a_two_sided_scale_has_opposite_margins() -> None:
    found = margins(**POINT)
    for scale in ("sam_start", "sam_radius"):
        assert found[f"{scale}_least"] == pytest.approx(-found[f"{scale}_most"])
    on_scale = 10 * 25**0.5 / (3 * 0.5 * 20_000**0.5)
    at = margins(**{**POINT, "tau": on_scale * np.array([0.1, 1.0, 10.0])})
    assert np.minimum(at["sam_radius_least"], at["sam_radius_most"]) == pytest.approx([-1, 0, -1], abs=1e-12)


@pytest.mark.parametrize("name", CONDITIONS)
def test_rescaling_the_data_changes_no_margin(name: str) -> None:
    c = 7.0
    powers = {"signal": 1, "sigma_p": 1, "sigma_0": -1, "tau": -1, "lr": -2}
    moved = {word: value * c ** powers.get(word, 0) for word, value in POINT.items()}
    change = float(CONDITIONS[name].margin(**moved) - CONDITIONS[name].margin(**POINT))
    assert change == pytest.approx(2 * math.log10(c) if name == "dimension_batch" else 0.0, abs=1e-12)


def test_no_label_flips_leave_infinite_room() -> None:
    assert margins(**{**POINT, "label_flip": 0.0})["label_flip"] == np.inf


def test_arrays_broadcast() -> None:
    grid = {**POINT, "d": np.array([1e3, 1e5])[:, None], "signal": np.array([1.0, 4.0, 9.0])}
    found = margins(**grid)
    assert {values.shape for values in found.values()} == {(2, 3)}
    for row, d in enumerate((1e3, 1e5)):
        for column, signal in enumerate((1.0, 4.0, 9.0)):
            cell = {name: float(value) for name, value in margins(**{**POINT, "d": d, "signal": signal}).items()}
            assert {name: values[row, column] for name, values in found.items()} == pytest.approx(cell, abs=1e-12)


@pytest.mark.parametrize(
    ("missing", "left_out"),
    [
        ({"tau"}, RADII),
        ({"batch"}, {"dimension_batch", "step_filter", "step_batch", "step_signal", "step_accuracy", *RADII}),
        ({"epsilon"}, {"step_accuracy"}),
        (set(), set()),
    ],
)
def test_unknown_symbols_leave_their_conditions_out(missing: set[str], left_out: set[str]) -> None:
    found = margins(**{word: value for word, value in POINT.items() if word not in missing})
    assert set(CONDITIONS) - set(found) == left_out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"d": -1}, "^Argument `d` must not be negative"),
        ({"signal": "strong"}, "^Argument `signal` must be an array of real numbers"),
        ({"tau": float("nan")}, "^Argument `tau` must be finite"),
        ({"d": [1, 2], "n": [1, 2, 3]}, "^Arguments must broadcast"),
    ],
)
def test_bad_values_are_refused(change, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        margins(**{**POINT, **change})


def test_a_missing_argument_is_named() -> None:
    with pytest.raises(ValueError, match=r"^Argument `tau` must be given for the condition `sam_radius_least`"):
        CONDITIONS["sam_radius_least"].margin(d=10, m=5, P=2, sigma_p=1.0, batch=5)


# --- runs ----------------------------------------------------------------------------------------------------

PROBLEM = Problem(d=20_000, n=40, m=5, P=3, signal=5.0, sigma_0=1e-3, label_flip=0.1)
WORDS = ("d", "n", "m", "P", "signal", "sigma_p", "sigma_0", "label_flip")
COMMON = {word: getattr(PROBLEM, word) for word in WORDS}


def test_a_run_has_the_worst_margin_of_its_phases() -> None:
    phases = [
        Phase("pretrain", Loss(), SGD(lr=0.01), stop_loss=0.02),
        Phase("unlearn", NegGrad(alpha=0.7), SAM(lr=0.2, tau=0.03, batch=8)),
    ]
    first = margins(**COMMON, lr=0.01, batch=40, epsilon=0.02)
    second = margins(**COMMON, lr=0.2, batch=8, tau=0.03)
    worst = {name: min(float(row[name]) for row in (first, second) if name in row) for name in {*first, *second}}
    own = {name: margin for name, margin in worst.items() if not name.startswith("sam_start")}
    assert problem_margins(PROBLEM, phases) == own  # the run begins with SGD
    assert worst["step_batch"] == second["step_batch"] < first["step_batch"]
    assert "step_accuracy" not in second


def test_initial_weights_are_judged_by_the_optimizer_that_begins() -> None:
    sgd, sam = Phase("one", Loss(), SGD(lr=0.01)), Phase("two", Loss(), SAM(lr=0.01, tau=0.05))
    starts = {"start_noise", "start_signal"}, {"sam_start_least", "sam_start_most"}
    for phases, (own, other) in (([sgd, sam], starts), ([sam, sgd], starts[::-1])):
        found = set(problem_margins(PROBLEM, phases))
        assert own < found
        assert not other & found


def test_the_largest_step_is_on_the_border_of_a_hypothesis_and_beyond_none() -> None:
    for problem in (PROBLEM, replace(PROBLEM, m=200), replace(PROBLEM, d=10**6, sigma_0=1e-9)):
        for batch in (None, 4):
            lr = largest_step(problem, batch=batch, epsilon=0.05)
            at = margins(
                **{word: getattr(problem, word) for word in WORDS}, lr=lr, batch=batch or problem.n, epsilon=0.05
            )
            steps = [float(margin) for name, margin in at.items() if name.startswith("step_")]
            assert min(steps) == pytest.approx(0.0, abs=1e-9)
            assert min(steps) >= 0.0
    with pytest.raises(ValueError, match="`problem`"):
        largest_step(None)  # type: ignore[arg-type]


def test_only_sam_has_a_radius() -> None:
    def found(optimizer, objective=None) -> dict[str, float]:
        return problem_margins(PROBLEM, [Phase("only", objective or Loss(), optimizer)])

    assert not RADII & set(found(SGD()))
    assert not RADII & set(found(SAM(tau=0.0)))
    assert found(SAM(tau=0.05)) == found(SharpMinMax(tau=0.05), NegGrad()) != found(SAM(tau=0.06))
    assert set(found(SAM(tau=0.05))) > RADII


@pytest.mark.parametrize(
    ("arguments", "name"), [((None, [Phase("one")]), "problem"), ((PROBLEM, []), "phases"), ((PROBLEM, None), "phases")]
)
def test_bad_runs_are_refused(arguments, name: str) -> None:
    with pytest.raises(ValueError, match=f"^Argument `{name}` must"):
        problem_margins(*arguments)
