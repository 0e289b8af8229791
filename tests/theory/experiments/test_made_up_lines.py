"""Lines of made-up errors: what is pooled, what drifts and where it leads, margins, endings, critical signals."""

import math
from itertools import pairwise

import numpy as np
import pytest
import xarray
from scipy.special import ndtr

from simulate import Problem
from tests.theory.made_up import SEEDS, few_resamples, lines, words
from theory.experiments.boundaries import NOISE, Line, _intercept, noise_scale, predicted_boundary
from theory.experiments.lab import conditions_of
from theory.statistics import Estimate

PLACES = tuple(2.0 ** np.arange(-2, 2.1, 0.5))
D = (10**4, 10**5, 10**6, 10**7)
MOVED = {10**4: 0.0, 10**5: 0.3, 10**6: 0.4, 10**7: 0.45}
"""Decades by which the boundary lies beyond d^¼ n^-¼ q; from size to size less."""


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    few_resamples(monkeypatch)


def error(place: float) -> float:
    return 0.1 + 0.8 * float(ndtr(-(place**2)))


def test_exponents_drift_from_neighbour_to_neighbour() -> None:
    made = lines({"d": D}, PLACES, test_error=lambda value, place: error(place / 10 ** MOVED[value]))
    found = made.drift("d", np.random.default_rng(0))
    measured = [0.25 + 0.3, 0.25 + 0.1, 0.25 + 0.05]
    names = [f"exponent from d = {low:g} to {high:g}" for low, high in pairwise(D)]
    assert [found[name].value for name in names] == pytest.approx(measured, abs=1e-6)
    distance = [math.sqrt(20 / math.sqrt(low * high)) for low, high in pairwise(D)]
    at_none = np.polyfit(distance, measured, 1)[1]
    assert found["exponent extrapolated to large d/n"].value == pytest.approx(at_none, abs=1e-6)


def test_two_sizes_lead_nowhere() -> None:
    made = lines({"n": (20, 80)}, PLACES, test_error=error)
    assert list(made.drift("n", np.random.default_rng(0))) == ["exponent from n = 20 to 80"]


def test_errors_of_an_extrapolation_add_up() -> None:
    x = np.array([1.0, 2.0, 3.0])
    found = _intercept(x, [Estimate(5.0, 0.1, 9), Estimate(4.0, 0.2, 7), Estimate(3.0, 0.4, 8)])
    assert found.value == pytest.approx(6.0)
    weights = [4 / 3, 1 / 3, -2 / 3]  # of the line through three points at 0
    assert found.standard_error == pytest.approx(np.abs(weights) @ [0.1, 0.2, 0.4])
    assert found.degrees_of_freedom == 7


def test_equal_cells_of_lines_that_cross_count_once() -> None:
    """Where two lines cross the errors are the same, and scaling the noise changes nothing: the first line counts."""
    made = lines(
        {"d": (10**5, 10**6), "n": (20, 40), "noise": (0.25, 4.0)}, PLACES,
        test_error=lambda line, value, place: (
            error(place) if line == "d" or (line, value) == ("n", 40) else 0.123  # would spoil the fit
        ),
    )  # fmt: skip
    found = made.exponents(np.random.default_rng(0), "d", "n")
    assert {name: each.value for name, each in found.items()} == pytest.approx({"d": 0.25, "n": -0.25}, abs=1e-6)


def test_margins_are_those_of_the_masked_cells_of_all_lines() -> None:
    made = lines({"d": (10**5, 10**6), "n": (20, 40)}, (0.5, 1.0), test_error=error)
    mask = (made.place == 1.0) & (made.factors["n"] == 20)
    assert made.conditions_where(mask).keys() == {"d 100000 1", "d 1e+06 1", "n 20 1"}
    assert made.conditions.keys() == words(["d"], (10**5, 10**6), (0.5, 1)) | words(["n"], (20, 40), (0.5, 1))
    assert made.line.tolist() == ["d"] * 4 + ["n"] * 4
    assert made.place.tolist() == [0.5, 1.0] * 4
    assert made.factors["d"].tolist() == [10**5] * 2 + [10**6] * 6
    assert made.factors["signal"] == pytest.approx(made.place * (made.factors["d"] / made.factors["n"]) ** 0.25)


def test_least_margins_and_fractions_outside() -> None:
    margins = [[0.5, -0.2, -1e-12, np.nan], [0.3, 0.2, 0.4, 0.6]]
    data = xarray.Dataset({"margin": (("condition", "d"), margins)}, coords={"condition": ["first", "second"]})
    assert conditions_of(data) == {"first": (-0.2, pytest.approx(1 / 3)), "second": (0.2, 0.0)}
    assert conditions_of(data.isel(d=[0, 2])) == {"first": (-1e-12, 0.0), "second": (0.3, 0.0)}


def test_endings_weigh_lines_by_their_runs() -> None:
    made = lines({"d": (10**5, 10**6, 10**7), "n": (20,)}, (0.5, 1.0), test_error=error)
    made.data["n"].attrs["endings"] = {"max_steps": 0.5, "converged": 0.5}
    assert made.endings == pytest.approx({"converged": 0.875, "max_steps": 0.125})
    assert made.n_runs == 8 * SEEDS


def test_critical_signals_are_those_of_the_replicates_that_are_asked_for() -> None:
    made = lines(
        {"d": (16, 81)}, (1.0, 2.0, 4.0),
        test_error=lambda place, seed: 0.5 - 0.1 * np.log2(place) - (0.1 if seed % 2 else 0.0),
    )  # fmt: skip
    unit = np.array([16, 81]) ** 0.25 / 20**0.25
    values, signal = made.critical("d", 0.35)
    assert values.tolist() == [16, 81]
    np.testing.assert_allclose(signal, 2.0 * unit)  # the mean of both kinds is 0.45, 0.35, 0.25
    np.testing.assert_allclose(made.critical("d", 0.35, np.array([0, 2, 2]))[1], 2.0**1.5 * unit)
    np.testing.assert_allclose(made.critical("d", 0.35, np.array([1, 1]))[1], 2.0**0.5 * unit)
    slope = made.level_slope("d", 0.35, np.random.default_rng(0))
    assert slope.value == pytest.approx(0.25)
    assert np.isnan(made.level_slope("d", 0.05, np.random.default_rng(0)).value)  # no signal is strong enough


def test_scales_and_problems_along_lines() -> None:
    problem = Problem(d=1600, n=100, P=4, sigma_p=0.5)
    assert noise_scale(problem) == 1.5
    assert predicted_boundary(problem) == pytest.approx(2.0 * 1.5)
    for value, (P, sigma_p) in {0.25: (2, 0.25), 1.0: (2, 1.0), 4.0: (5, 1.0)}.items():
        made = Line("noise", tuple(NOISE)).problem(problem, value)
        assert (made.P, made.sigma_p, made.d, noise_scale(made)) == (P, sigma_p, 1600, value)
    assert Line("n", (5,)).problem(problem, 5).n == 5
