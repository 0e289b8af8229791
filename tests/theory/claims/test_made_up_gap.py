"""The gap between the α of SGD and of SAM, on made-up runs whose thresholds are put in."""

import numpy as np
import pytest
import xarray

from tests.theory.made_up import JITTER, SEEDS, check_mean, evidence, grid, no_resamples, words
from theory.claims import alpha_gap
from theory.experiments.training.signals import alpha_needed

NAMES, D, N = ("SGD", "SAM"), (1000, 2000), (20, 30)
FALL = {"SGD": 1.0, "SAM": 0.8}
"""How fast the test error falls with α; at the α that is needed it is 0.15."""


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    no_resamples(monkeypatch, alpha_gap)


def needed(pretraining: str, d: int, n: int) -> float:
    """α/(1 - α) is 1 for SAM, and larger by a tenth of √(d/n) for SGD."""
    odds = 1.0 + (0.1 * (d / n) ** 0.5 if pretraining == "SGD" else 0.0)
    return odds / (1.0 + odds)


def shaken(pretraining: str) -> np.ndarray:
    return {"SGD": 1e-3, "SAM": 4e-3}[pretraining] * JITTER


def made_up() -> xarray.Dataset:
    return grid(
        {"pretraining": NAMES, "d": D, "n": N, "alpha": (0.3, 0.7, 0.95)},
        test_error=lambda pretraining, d, n, alpha, seed: (
            0.15 + FALL[pretraining] * (needed(pretraining, d, n) - alpha) + shaken(pretraining)[seed]
        ),
        clean_error_by_label=lambda pretraining, d, alpha, seed, label: (
            (0.25 if pretraining == "SGD" else 0.1) + (0.5 if label == 1 and seed == 0 and d == 1000 else 0.0)
            if alpha == 0.7
            else 0.9
        ),
        status=lambda pretraining, d, n, alpha, seed: (
            "max_steps" if (pretraining, d, n, alpha) == ("SGD", 1000, 20, 0.95) and seed < 2 else "converged"
        ),
    )


SIZES = [(d, n) for d in D for n in N]
DATA = made_up()


@pytest.mark.parametrize("alpha", [0.7, 0.95])
def test_the_gap_is_that_of_the_error_at_the_protocols_weight(alpha: float) -> None:
    found = evidence("alpha-gap-sign", {alpha_needed: DATA}, alpha=alpha)
    plain = FALL["SGD"] * np.mean([needed("SGD", *size) - alpha for size in SIZES])
    gap = plain - FALL["SAM"] * (0.5 - alpha)
    check_mean(found.effect, gap + shaken("SGD") - shaken("SAM"))
    assert found.control == found.effect
    check_mean(found.null, shaken("SGD")[::2] - shaken("SGD")[1::2])
    assert found.conditions.keys() == words(NAMES, D, N, [alpha])
    assert found.n_runs == 24 * SEEDS


def test_errors_of_both_classes_are_told_apart() -> None:
    found = evidence("alpha-gap-sign", {alpha_needed: DATA}).distributions
    for name, usual in (("SGD", 0.25), ("SAM", 0.1)):
        np.testing.assert_allclose(found[f"clean error of the better class, after {name}"], np.full(4 * SEEDS, usual))
        worse = np.sort(found[f"clean error of the worse class, after {name}"])
        np.testing.assert_allclose(worse, [*np.full(4 * SEEDS - 2, usual), usual + 0.5, usual + 0.5])


def test_thresholds_and_the_exponent_of_their_gap() -> None:
    details = evidence("alpha-gap-sign", {alpha_needed: DATA}).details
    for name in NAMES:
        for d, n in SIZES:
            value = details[f"α needed after {name}, d = {d:,}, n = {n}"].value
            assert value == pytest.approx(needed(name, d, n))
    assert details["exponent of d/n in the gap of α/(1 - α)"].value == pytest.approx(0.5)
    assert details["fraction of the runs forgotten, in the worst cell"].value == 0.8
    higher = evidence("alpha-gap-sign", {alpha_needed: DATA}, label_flip=0.2).details
    for name in NAMES:
        expected = needed(name, 2000, 30) - 0.1 / FALL[name]
        assert higher[f"α needed after {name}, d = 2,000, n = 30"].value == pytest.approx(expected)


def test_a_gap_at_two_sizes_has_no_exponent() -> None:
    few = {alpha_needed: DATA.sel(n=[20])}
    assert np.isnan(evidence("alpha-gap-sign", few).details["exponent of d/n in the gap of α/(1 - α)"].value)


def test_the_order_of_the_gap_has_a_control_but_no_effect() -> None:
    sign, order = (evidence(f"alpha-gap-{word}", {alpha_needed: DATA}) for word in ("sign", "order"))
    assert order.effect is None
    assert (order.control, order.null, order.conditions) == (sign.control, sign.null, sign.conditions)
    assert order.was_run
    assert order.picture is not None
    for curve, (name, n) in zip(order.picture.curves, [(name, n) for name in NAMES for n in N], strict=True):
        assert curve.label == f"{name}, n = {n}"
        np.testing.assert_allclose(curve.x, np.sqrt(np.array(D) / n))
        np.testing.assert_allclose(curve.y, [needed(name, d, n) for d in D])
