"""Claims on whether, and how soon, networks forget; on images; and on identities: made up, with known answers."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray
from scipy import stats

from simulate import Instance
from tests.theory.claims.made_up_unlearning import NAMES, nothing_to_forget
from tests.theory.made_up import SEEDS, Shelf, check_mean, evidence, few_resamples, grid, words
from theory.claims import decomposition, find_claims, universality
from theory.experiments.images import NOISES
from theory.experiments.unlearning import forgettable, never_learned, snr_line


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    few_resamples(monkeypatch)


# --- low-snr-forgets-easier --------------------------------------------------------------------------

PLACES = (0.7, 1.0, 1.5, 2.5, 3.5)
ORDERS = ((10, 20, 30, 40, 50), (10, 30, 20, 40, 50), (50, 40, 30, 20, 10), (7, 7, 7, 7, 7), (10, 10, 30, 40, 50))
"""Steps to forget over the signal, each order twice."""


def test_the_order_of_steps_is_that_of_the_last_phase() -> None:
    steps = np.array([*ORDERS, *ORDERS], dtype=float)

    def number(place: float, phase: int, seed: int) -> float:
        if phase > 2:
            return np.nan
        return steps[seed][PLACES.index(place)] if phase == 2 else 100.0 - place

    data = grid(
        {"place": PLACES}, phase_steps=number, test_error=lambda place, seed: 0.5 - place / 10 + seed / 100
    )  # fmt: skip
    found = evidence("low-snr-forgets-easier", {snr_line: data})
    ranks = [0.0 if len(set(row)) == 1 else stats.spearmanr(PLACES, row).statistic for row in steps]
    check_mean(found.effect, ranks)
    assert ranks[:4] == pytest.approx([1.0, 0.9, -1.0, 0.0])
    assert found.control == found.effect
    rng = Shelf({}).rng("order")
    chance = [stats.spearmanr(rng.permutation(PLACES), row).statistic if np.ptp(row) else (rng.permutation(5), 0.0)[1]
              for row in steps]  # fmt: skip
    check_mean(found.null, chance)
    assert found.null is not None
    assert found.null.range == (-1.0, 1.0)
    assert found.details["rank correlation of signal and test error after"].value == pytest.approx(-1.0)
    check_mean(found.details["steps at the strongest signal over the weakest"], steps[:, -1] / steps[:, 0])
    assert found.conditions.keys() == words(PLACES)
    assert found.picture is not None
    np.testing.assert_allclose(found.picture.curves[0].y, steps.mean(axis=0))


# --- sam-pretrained-forgets-at-every-d ---------------------------------------------------------------

FORGOTTEN = {("SGD", 500): 10, ("SGD", 2000): 8, ("SAM", 500): 7, ("SAM", 2000): 4}


def test_forgetting_at_the_largest_dimension_and_at_the_smallest() -> None:
    data = grid(
        {"pretraining": NAMES, "d": (500, 2000)},
        status=lambda pretraining, d, seed: "converged" if seed < FORGOTTEN[pretraining, d] else "max_steps",
    )
    found = evidence(
        "sam-pretrained-forgets-at-every-d", {forgettable: data, never_learned: nothing_to_forget()}
    )  # fmt: skip
    assert found.effect is not None
    assert found.null is not None
    assert [each.value for each in (found.effect, found.control, found.null)] == pytest.approx([0.4, 0.7, 0.8])
    assert found.effect.range == (0.0, 1.0)
    for (name, d), count in FORGOTTEN.items():
        assert found.details[f"{name} pretraining, d = {d:,}"].value == pytest.approx(count / SEEDS)
    assert found.conditions.keys() == {"SAM 2000"}
    assert found.picture is not None
    assert [curve.label for curve in found.picture.curves] == ["SGD pretraining", "SAM pretraining"]
    np.testing.assert_allclose([curve.y for curve in found.picture.curves], [[1.0, 0.8], [0.7, 0.4]])


# --- universality ------------------------------------------------------------------------------------


def images() -> xarray.Dataset:
    """Errors of 0.3 at twice the place for images under SGD, at half of it under SAM; odd seeds at a quarter more."""
    places = (0.25, 0.5, 1.0, 2.0, 4.0)

    def error(optimizer: str, noise: str, place: float, seed: int) -> float:
        middle = {"gaussian": 1.0, "images": 2.0 if optimizer == "SGD" else 0.5}[noise]
        return 0.3 - 0.1 * np.log2(place / middle) + (0.04 if seed % 2 else 0.0)

    return grid({"optimizer": NAMES, "noise": NOISES, "place": places}, test_error=error)


@pytest.mark.parametrize(("optimizer", "shift"), [("SGD", np.log(2.0)), ("SAM", -np.log(2.0))])
def test_shifts_are_of_images_over_gaussian_noise(optimizer: str, shift: float) -> None:
    data = images()
    found = evidence(f"universality-digits-{optimizer.lower()}", {universality._digits: (data, 30.0)})
    assert found.effect is not None
    assert found.effect.value == pytest.approx(shift)
    assert found.control == found.effect
    assert found.null is not None
    assert found.null.value == pytest.approx(-0.4 * np.log(2.0))
    assert found.details["effective dimension of the residuals"].value == 30.0
    assert found.n_runs == data.attrs["n_runs"]


def test_without_a_folder_the_control_is_that_of_the_digits() -> None:
    shelf = {universality._digits: (images(), 30.0)}
    aside, digits = (evidence(f"universality-{name}-sgd", shelf) for name in ("folder", "digits"))
    assert (aside.effect, aside.n_runs, aside.control) == (None, 0, digits.control)


# --- identities --------------------------------------------------------------------------------------


def test_identities_report_their_largest_deviation(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = Shelf({})
    first, *others = lab.seeds("decomposition", 4)

    def deviations(seed: int, name: str, tau: float, P: int) -> tuple[float, float]:
        return (3e-13 if (seed, name, tau, P) == (first, "neggrad", 0.5, 4) else 1e-14), 0.1 * P

    monkeypatch.setattr(decomposition, "_decomposition_errors", deviations)
    found = find_claims(["decomposition"])[0].measure(lab)
    assert found.effect is not None
    assert (found.effect.value, found.control.value, found.n_runs) == (3e-13, 0.4, 48)

    def recursion(seed: int, name: str, tau: float, P: int, lost: float) -> float:
        return {2: 2e-13, 4: 1e-13}[P] if lost == 1.0 else {2: 77.0, 4: lost}[P]

    monkeypatch.setattr(decomposition, "_recursion_error", recursion)
    found = find_claims(["recursions"])[0].measure(lab)
    assert found.effect is not None
    assert (found.effect.value, found.control.value, found.n_runs) == (2e-13, pytest.approx(1 / 3), 48)
    assert len(others) == 3


def test_a_weight_is_its_start_and_what_the_coefficients_give(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network of four patches, whose noise weighs a third: a quarter is off by 1/12 of it."""

    def moved(instance: Instance, phases: object, **options: object) -> SimpleNamespace:
        rng = np.random.default_rng(0)
        kappa, zeta = rng.standard_normal((2, 2)), rng.standard_normal((2, 2, 2))
        xi, sign = instance.xi[:, 0], np.array([1.0, -1.0])[:, None, None]
        signal = sign * kappa[..., None] * instance.phi / (instance.phi @ instance.phi)
        noise = zeta @ (xi / (xi**2).sum(axis=1, keepdims=True))
        weights = instance.w0 + signal + noise / 3.0
        found["by hand"] = np.abs(noise / 12.0).max() / np.abs(weights).max()
        return SimpleNamespace(kappa=kappa, zeta=zeta, state=SimpleNamespace(weights=weights))

    found: dict[str, float] = {}
    monkeypatch.setattr(decomposition, "run", moved)
    claimed, controlled = decomposition._decomposition_errors(1, "loss", 0.5, 4)
    assert claimed < 1e-12
    assert controlled == pytest.approx(found["by hand"])
