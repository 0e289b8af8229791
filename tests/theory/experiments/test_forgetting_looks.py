"""Closer looks at unlearning, on made-up data whose answer is known by hand."""

import math
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
import xarray
from scipy.optimize import minimize

from simulate import Loss
from theory.experiments.course import Course
from theory.experiments.forgetting import classes, durations, floor
from theory.experiments.forgetting.censoring import LogOdds, _cost, brackets
from theory.experiments.forgetting.classes import better_and_worse, gap
from theory.experiments.forgetting.needed import FACTORS, Needed, thresholds_of
from theory.experiments.lab import Lab
from theory.experiments.protocols import initialised
from theory.formulas.conditions import largest_step

ALPHA = np.array([0.3, 0.5, 0.7, 0.9])


# --- censored thresholds -------------------------------------------------------------------------------------


def test_a_threshold_lies_where_a_replicate_is_well_from_then_on() -> None:
    well = np.array([[1, 1, 1, 1], [0, 0, 1, 1], [1, 0, 1, 1], [1, 1, 1, 0]], dtype=bool)
    low, high = brackets(ALPHA, well)
    odds = np.log(ALPHA / (1 - ALPHA))
    np.testing.assert_allclose(low, [-np.inf, odds[1], odds[1], odds[3]])
    np.testing.assert_allclose(high, [odds[0], odds[2], odds[2], np.inf])
    with pytest.raises(ValueError, match="`alpha`"):
        brackets(ALPHA[::-1], well)


def made_up(count: int = 600) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Thresholds of log-odds 0.2 + 0.8 x ± 0.7, a quarter of them beyond the tries."""
    rng = np.random.default_rng(0)
    factors = np.column_stack([np.ones(count), np.arange(count) % 2])
    odds = factors @ [0.2, 0.8] + 0.7 * rng.standard_normal(count)
    return factors, *brackets(ALPHA[1:], 1.0 / (1.0 + np.exp(-odds[:, None])) <= ALPHA[1:])


def test_the_law_behind_censored_thresholds_is_found() -> None:
    factors, low, high = made_up()
    assert np.mean(np.isinf(low) | np.isinf(high)) > 0.25
    law = LogOdds.fit(factors, low, high)
    np.testing.assert_allclose([*law.slopes, law.spread], [0.2, 0.8, 0.7], atol=0.12)
    assert law.median(np.array([1.0, 0.0])) == pytest.approx(1.0 / (1.0 + np.exp(-law.slopes[0])))
    seen = np.isfinite(low) & np.isfinite(high)
    assert LogOdds.fit(factors[seen], low[seen], high[seen]).spread < 0.5  # leaving the others out is no remedy


def slow_likelihood(parameters: list[float], factors: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    """Minus the log-likelihood, threshold by threshold, of slopes and the logarithm of the spread."""
    *slopes, log_spread = parameters
    total = 0.0
    for row, least, most in zip(factors, low, high, strict=True):
        law = NormalDist(sum(a * b for a, b in zip(slopes, row, strict=True)), math.exp(log_spread))
        total -= math.log(law.cdf(most) - law.cdf(least))
    return total


def test_the_law_is_that_of_a_slow_twin() -> None:
    data = made_up(60)
    law, slow = LogOdds.fit(*data), minimize(slow_likelihood, [0.0, 0.5, 0.0], args=data, method="Nelder-Mead")
    np.testing.assert_allclose([*law.slopes, np.log(law.spread)], slow.x, atol=2e-3)


@pytest.mark.parametrize("stretched", [1.0, 30.0])
def test_shares_beyond_the_ends_are_known_by_hand(stretched: float) -> None:
    """An α is enough for 90 % after SAM and for 70 % after SGD, whatever α: a shift of z(0.9) - z(0.7)."""
    sgd = np.repeat([1.0, 0.0], 1000)
    enough = np.tile(np.arange(1000) / 1000, 2) < np.where(sgd == 1.0, 0.7, 0.9)
    ends = stretched * np.array([-1.0, 1.0])
    law = LogOdds.fit(np.column_stack([np.ones(2000), sgd]), np.where(enough, -np.inf, ends[1]),
                      np.where(enough, ends[0], np.inf))  # fmt: skip
    assert law.shifts[1] == pytest.approx(NormalDist().inv_cdf(0.9) - NormalDist().inv_cdf(0.7), abs=0.01)
    assert law.spread > 900.0  # none lies inside


def test_a_factor_that_tells_all_has_no_shift() -> None:
    sgd = np.repeat([1.0, 0.0], 20)
    low, high = np.where(sgd == 1.0, 1.0, -np.inf), np.where(sgd == 1.0, np.inf, -1.0)
    low[:5], high[:5] = -1.0, 1.0
    assert np.isnan(LogOdds.fit(np.column_stack([np.ones(40), sgd]), low, high).shifts).all()


def test_the_gradient_of_the_likelihood_is_its_slope() -> None:
    data, at, step = made_up(50), np.array([0.1, 0.5, -0.2]), 1e-6
    for k, unit in enumerate(np.eye(3)):
        ends = [_cost(at + sign * step * unit, *data)[0] for sign in (1, -1)]
        assert _cost(at, *data)[1][k] == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-5)


def test_thresholds_beyond_one_end_have_no_law() -> None:
    beyond = np.full(4, np.inf)
    assert np.isnan(LogOdds.fit(np.ones((4, 1)), -beyond, np.zeros(4)).spread)
    assert np.isnan(LogOdds.fit(np.ones((4, 1)), np.zeros(4), beyond).slopes).all()


def tries(sgd: float, sam: float) -> xarray.Dataset:
    """Two replicates whose error falls to 0.1 from an α on, after SGD and after SAM, at two dimensions."""
    error = np.where(np.array([sgd, sam])[:, None] <= ALPHA, 0.1, 0.3)[:, None, None, None, None]
    dims = ("pretraining", "d", "n", "place", "seed", "alpha")
    coords = {"pretraining": ["SGD", "SAM"], "d": [500, 2000], "n": [20], "place": [2.5], "alpha": ALPHA}
    return xarray.Dataset({"test_error": (dims, np.broadcast_to(error, (2, 2, 1, 1, 2, 4)).copy())}, coords=coords)


def test_thresholds_are_those_of_forgotten_runs_near_the_retrained_error() -> None:
    data = tries(0.7, 0.5)
    data["forgotten"] = xarray.ones_like(data["test_error"], dtype=bool)
    target = xarray.zeros_like(data["test_error"].isel(alpha=0, drop=True)) + 0.1
    found = thresholds_of(data, target)
    odds = np.log(ALPHA / (1 - ALPHA))
    np.testing.assert_allclose(found.low, [[odds[1], odds[1], odds[0], odds[0]]] * 2)
    assert found.factors[:, FACTORS.index("SGD")].tolist() == [1.0, 1.0, 0.0, 0.0]
    np.testing.assert_allclose(found.factors[:, FACTORS.index("d")], np.log(2.0) * np.array([-1, 1, -1, 1]))
    assert np.isneginf(thresholds_of(data, target + 0.16).low).all()  # all are near an error of 0.26
    assert np.isposinf(thresholds_of(data, target - 0.06).high).all()
    data["forgotten"][{"alpha": 2, "pretraining": 1}] = False
    np.testing.assert_allclose(thresholds_of(data, target).low[:, 2:], odds[2])


def test_chance_exchanges_both_ends_of_a_replicate() -> None:
    factors = np.array([[1.0, 1.0, 0, 0, 0], [1.0, 0.0, 0, 0, 0]])
    found = Needed(factors, np.tile([1.0, 3.0], (50, 1)), np.tile([2.0, 4.0], (50, 1)))
    again = found.exchanged(np.random.default_rng(0))
    assert sorted({tuple(row) for row in np.hstack([again.low, again.high]).tolist()}) == [
        (1.0, 3.0, 2.0, 4.0), (3.0, 1.0, 4.0, 2.0),
    ]  # fmt: skip


# --- errors by class -----------------------------------------------------------------------------------------


def test_the_worse_class_may_be_either() -> None:
    table = np.array([[[0.1, 0.4], [0.3, 0.0]]])
    coords = {"end": ["matched"], "label": [1, -1]}
    data = xarray.Dataset({"clean_error_by_label": (("end", "seed", "label"), table)}, coords=coords)
    assert better_and_worse(data, "matched").tolist() == [[0.1, 0.4], [0.0, 0.3]]
    np.testing.assert_allclose(gap(data, "matched"), [0.3, 0.3])


class Seen(Lab):
    """A laboratory that keeps the cells of a grid of one axis and runs none."""

    def grid(self, name, make, axes, *, replicates, **_):
        ((axis, values),) = axes.items()
        self.cells = {value: make(0, **{axis: value}) for value in values}


def test_the_ends_of_unlearning_differ_in_their_rule_alone() -> None:
    lab = Seen()
    classes.by_class(lab)
    retrained, matched, half = (lab.cells[end].phases for end in classes.ENDS)
    assert [phase.objective for phase in retrained] == [Loss(on="retain")]
    assert (matched[-1].stop_forget_loss_above, matched[-1].stop_forget_below) == ("reference_fit", None)
    assert (half[-1].stop_forget_loss_above, half[-1].stop_forget_below) == (None, 0.5)
    for name in ("objective", "optimizer", "steps"):
        assert getattr(matched[-1], name) == getattr(half[-1], name)
    assert half[:-1] == matched[1:-1]


# --- the floor, and times ------------------------------------------------------------------------------------


def test_the_floor_has_its_label_noise_and_place() -> None:
    class Two(Seen):
        def grid(self, name, make, axes, **_):
            self.cells = {(p, x): make(0, p=p, place=x) for p in axes["p"] for x in axes["place"]}

    lab = Two()
    floor.over_label_noise(lab)
    for (p, place), cell in lab.cells.items():
        assert cell.problem.label_flip == p
        assert cell.problem.signal == pytest.approx(place * 100**0.25)


def test_a_time_is_steps_times_their_length() -> None:
    class Made(Lab):
        def grid(self, name, make, axes, *, replicates, **_):
            steps = xarray.DataArray(
                [[[3.0, 7.0]], [[3.0, 9.0]]], dims=("d", "seed", "phase"), coords={"d": [500, 2000]}
            )
            status = xarray.DataArray([["converged"], ["max_steps"]], dims=("d", "seed"), coords={"d": [500, 2000]})
            return xarray.Dataset({"phase_steps": steps, "status": status})

    lab = Made()
    data = durations._times(lab, {"d": (500, 2000)})
    course = Course(lab)
    for d, steps in ((500, 7.0), (2000, 9.0)):
        sized = replace(course.problem(course.standard, "SGD"), d=d, signal=2.5 * (d / 20) ** 0.25)
        assert data["time"].sel(d=d).item() == pytest.approx(steps * largest_step(initialised(sized, "SGD")))
    assert data["forgotten"].values.ravel().tolist() == [True, False]
