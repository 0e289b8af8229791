"""Claims on what is learned, on made-up networks: ratios of optimizers, exponents of means, times of training."""

import numpy as np
import pytest

from simulate import Problem
from tests.theory.made_up import JITTER, SEEDS, check_mean, evidence, few_resamples, grid, lines, words
from theory.experiments.training import sgd, signals
from theory.formulas.conditions import largest_step

NAMES = ("SGD", "SAM")
RISE = {"signal": (0.5, 1.7), "d": (-0.3, 0.4), "n": (0.8, -0.1)}
"""Exponents of κ of SGD and of SAM in each factor."""
VALUES = {"signal": (2.0, 4.0, 8.0), "d": (1000, 2000, 4000), "n": (10, 20, 40)}
LINES = {"signal": signals.over_signal, "d": signals.over_dimension, "n": signals.over_samples}


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    few_resamples(monkeypatch)


def learned(factor: str, odd: float = 0.0, size: float = 3.0) -> object:
    """κ of means that are powers of the factor; under SGD seeds of odd number have another exponent."""

    def kappa(optimizer: str, value: float, seed: int) -> float:
        plain, sharp = RISE[factor]
        power = sharp if optimizer == "SAM" else plain + (odd if seed % 2 else 0.0)
        return (size if optimizer == "SAM" else 1.0) * value**power * (1.0 + 0.1 * JITTER[seed] * (odd == 0.0))

    made = grid(
        {"optimizer": NAMES, "value": VALUES[factor]}, kappa_mean=kappa,
        zeta_mean_retain=lambda optimizer, value, seed: (value**-1.2 if optimizer == "SGD" else 9.0)
        * (1.0 + 0.1 * JITTER[seed] * (-1) ** seed - 0.02),
    )  # fmt: skip
    return made.rename(value=factor)


@pytest.mark.parametrize(
    ("name", "factor"),
    [("signal-surplus-h1", "signal"), ("signal-surplus-h2-d", "d"), ("signal-surplus-h2-n", "n")],
)
def test_surplus_is_of_sam_over_sgd(name: str, factor: str) -> None:
    found = evidence(name, {LINES[factor]: learned(factor)})
    plain, sharp = RISE[factor]
    assert found.effect is not None
    assert found.effect.value == pytest.approx(sharp - plain)
    assert found.control == found.effect
    assert found.conditions.keys() == words(NAMES, VALUES[factor])
    assert found.n_runs == 6 * SEEDS
    assert found.picture is not None
    np.testing.assert_allclose(found.picture.curves[0].y, 3.0 * np.array(VALUES[factor]) ** (sharp - plain))
    odd = evidence(name, {LINES[factor]: learned(factor, odd=0.5)})
    assert odd.null is not None
    assert odd.null.value == pytest.approx(-0.5)


def test_the_rate_a_step_and_sam_of_radius_zero() -> None:
    shelf = {
        signals.early: learned("signal"),
        signals.early_without_radius: learned("n", size=1.0).assign_coords(n=list(VALUES["signal"])).rename(n="signal"),
    }
    found = evidence("signal-rate-per-step", shelf)
    assert found.effect is not None
    assert found.effect.value == pytest.approx(1.2)
    assert found.control == found.effect
    assert found.null is not None
    step = np.log(4.0) / np.log(4.0)  # both grow by 4 from end to end, in two equal steps
    assert found.null.value == pytest.approx((RISE["n"][1] - RISE["n"][0]) * step)
    assert found.details["ratio itself"].value == pytest.approx(3.0 * np.mean(np.array(VALUES["signal"]) ** 1.2))
    assert found.conditions.keys() == words(NAMES, VALUES["signal"])


def test_a_ratio_over_nothing_is_not_known() -> None:
    made = learned("signal")
    made["kappa_mean"].loc[{"optimizer": "SGD", "signal": 4.0}] = -1.0
    found = evidence("signal-surplus-h1", {signals.over_signal: made})
    assert found.effect is not None
    assert np.isnan(found.effect.value)


# --- structure ---------------------------------------------------------------------------------------


def test_signal_over_memory_is_a_ratio_of_means() -> None:
    found = evidence("signal-to-memory", {signals.over_signal: learned("signal")})
    assert found.effect is not None
    assert found.effect.value == pytest.approx(0.5 + 1.2)
    assert found.control == found.effect
    assert found.conditions.keys() == words(["SGD"], VALUES["signal"])
    assert found.picture is not None
    middle = 1.0 - 0.02 + 0.1 * np.mean(JITTER * (-1.0) ** np.arange(SEEDS))
    np.testing.assert_allclose(found.picture.curves[0].y, np.array(VALUES["signal"]) ** 1.7 / middle)
    odd = evidence("signal-to-memory", {signals.over_signal: learned("signal", odd=0.5)})
    assert odd.null is not None
    assert odd.null.value == pytest.approx(-0.5)


GROWN = 0.7
"""Exponent of d in the steps; the step size has its own."""


def test_training_time_is_steps_times_their_length() -> None:
    places = (0.5, 0.7, 0.9, 1.4)
    made = lines(
        {"d": (1000, 4000, 16_000), "n": (10, 20)}, places, test_error=lambda seed: 0.1,
        steps=lambda line, value, place, seed: (
            100.0 * place * value ** (GROWN + 0.01 * JITTER[seed]) if line == "d" else 5.0
        ),
    )  # fmt: skip
    found = evidence("training-time", {sgd.small_weights: made})
    steps = [length(d) * d / 200.0 for d in (1000, 4000, 16_000)]  # m n = 200
    power = np.polyfit(np.log([1000, 4000, 16_000]), np.log(steps), 1)[0]
    check_mean(found.effect, GROWN + power + 0.01 * JITTER)
    assert found.control == found.effect
    check_mean(found.null, 0.01 * (JITTER[::2] - JITTER[1::2]))
    assert found.n_runs == 20 * SEEDS
    assert found.picture is not None
    assert [curve.label for curve in found.picture.curves] == ["x = 0.5", "x = 1.4"]


def length(d: int) -> float:
    """Step size of SGD from its own weights, σ_0 = 0.1 √n / (q d), to a loss of 0.05."""
    problem = Problem(d=d, n=20, m=10, label_flip=0.1, sigma_0=0.1 * 20**0.5 / d)
    return largest_step(problem, epsilon=0.05)
