"""Claims on unlearning at one problem, on made-up runs: pairs, α, phases, matched replicates, controls and nulls."""

import numpy as np
import pytest

from tests.theory.claims.made_up_unlearning import (
    ADDED,
    ERROR,
    FAILS,
    NAMES,
    RATE,
    SHAKEN,
    STEPS,
    shelf,
)  # fmt: skip
from tests.theory.made_up import JITTER, SEEDS, check_mean, evidence, no_resamples, words
from theory.claims import alpha_tolerance
from theory.ledger import Evidence

SHELF = shelf()
ROLES = {"pretraining": ("SAM", "SGD"), "unlearning": ("SGD", "SAM"), "both": ("SAM", "SAM")}
PLAIN = ("SGD", "SGD")


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    no_resamples(monkeypatch, alpha_tolerance)


def forgotten(*pairs: tuple[str, str]) -> np.ndarray:
    """The seeds that all of some pairs forget."""
    return np.array([seed for seed in range(SEEDS) if all(FAILS[pair] != seed for pair in pairs)])


def of(name: str, **protocol: object) -> Evidence:
    return evidence(name, SHELF, **protocol)


# --- smaller-alpha -----------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("alpha", "stop"), [(0.7, "retrained loss"), (0.9, "accuracy 1/2")])
def test_sam_is_given_the_role_it_is_named_by(role: str, alpha: float, stop: str) -> None:
    found, pair = of(f"smaller-alpha-{role}", alpha=alpha, stop=stop), ROLES[role]
    both = forgotten(PLAIN, pair)
    gained = ERROR[PLAIN] - ERROR[pair] + (SHAKEN[PLAIN] - SHAKEN[pair]) * JITTER
    check_mean(found.effect, gained[both])
    assert found.control == found.effect
    late = {0.7: 0.0, 0.9: -0.12}[alpha]
    check_mean(found.null, np.full(SEEDS, late + 0.01))
    assert found.conditions.keys() == words(["SGD"], ["SGD"], [alpha]) | words([pair[0]], [pair[1]], [alpha])
    assert found.n_runs == 12 * SEEDS
    assert f"Over the {len(both)} of {SEEDS}" in found.remark


def test_ten_passes_are_forgotten_where_all_are_taken() -> None:
    found = of("smaller-alpha-both", stop="10 passes")
    assert found.effect is not None
    assert np.isnan(found.effect.value)  # made-up runs end by converging but for one
    assert found.details["fraction forgotten, SAM then SAM"].value == pytest.approx(1 / SEEDS)


def test_what_stands_beside_a_smaller_alpha() -> None:
    details = of("smaller-alpha-both").details
    for pair in (PLAIN, *ROLES.values()):
        words_of = " then ".join(pair)
        check_mean(details[f"test error, {words_of}"], ERROR[pair] + SHAKEN[pair] * JITTER)
        assert details[f"clean error of the worse class, {words_of}"].value == pytest.approx(ERROR[pair] + 0.5)
        assert details[f"fraction forgotten, {words_of}"].value == pytest.approx(1 - 1 / SEEDS)
    # 0.15 is crossed between 0.7 (error 0.21) and 0.9 (0.09), or between 0.5 (0.25) and 0.7 (0.15), where it is hit
    assert details["α needed, SGD then SGD"].value == pytest.approx(0.8)
    assert details["α needed, SAM then SGD"].value == pytest.approx(0.7 + 0.2 * 0.02 / 0.12)
    assert details["α needed, SAM then SAM"].value == pytest.approx(0.7)
    assert of("smaller-alpha-both", label_flip=0.2).details["α needed, SGD then SGD"].value == pytest.approx(0.62)


def test_pictures_of_a_smaller_alpha_have_all_pairs() -> None:
    picture = of("smaller-alpha-both").picture
    assert picture is not None
    for curve, pair in zip(picture.curves, (PLAIN, *ROLES.values()), strict=True):
        assert curve.label == " then ".join(pair)
        np.testing.assert_allclose(curve.y, ERROR[pair] + np.array([0.1, 0.0, -0.12]))


# --- forget-noise ------------------------------------------------------------------------------------


@pytest.mark.parametrize("pretraining", NAMES)
def test_noise_on_the_forget_set_is_what_sam_adds_less_what_sgd_adds(pretraining: str) -> None:
    found = of(f"forget-noise-after-{pretraining.lower()}")
    plain, sharp = ((pretraining, name) for name in NAMES)
    both = forgotten(plain, sharp)
    added = {pair: ADDED[pair] + SHAKEN[pair] * JITTER for pair in (plain, sharp)}
    check_mean(found.effect, (added[sharp] - added[plain])[both] / 2.0)
    check_mean(found.control, added[plain] / 2.0)
    check_mean(found.null, np.full(SEEDS, 0.01))
    check_mean(found.details["the same for the opposite class"], 0.1 * (added[sharp] - added[plain])[both] / 2.0)
    share = found.details["fraction of the replicates in which both forget"]
    assert share.value == pytest.approx(len(both) / SEEDS)
    assert found.details["forget accuracy reached, SAM"].value == pytest.approx(0.8745)
    assert found.details["forget accuracy reached, SGD"].value == pytest.approx(0.6745)
    assert found.conditions.keys() == words([pretraining], NAMES, [0.7])
    assert found.n_runs == 12 * SEEDS


# --- sgd-flattens ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "alpha"), [("small", 0.5), ("large", 0.9)])
@pytest.mark.parametrize(("short", "measure"), [("hessian", "hessian_eigenvalue"), ("sharpness", "sharpness")])
def test_flattening_is_after_over_before_on_the_retain_set(short: str, measure: str, size: str, alpha: float) -> None:
    found = of(f"sgd-flattens-{short}-{size}-alpha")
    expected = RATE[measure] * (alpha - 0.5)
    check_mean(found.effect, expected + 1e-3 * JITTER)
    assert found.control == found.effect
    assert found.null is not None
    assert found.null.value == pytest.approx(0.2)
    assert found.details[f"SAM pretraining, α = {alpha:g}"].value == pytest.approx(expected + 0.3)
    assert found.conditions.keys() == words(["SGD"], ["SGD"], [alpha])
    assert found.picture is not None
    (curve,) = [curve for curve in found.picture.curves if curve.label == "SAM pretraining, train set"]
    np.testing.assert_allclose(curve.y, 5.3 + RATE[measure] * np.array([0.0, 0.2, 0.4]), atol=5e-4)


# --- sam-slows-forgetting ----------------------------------------------------------------------------


@pytest.mark.parametrize("pretraining", NAMES)
def test_slowness_is_of_the_replicates_that_sgd_forgets(pretraining: str) -> None:
    found = of(f"sam-slows-forgetting-after-{pretraining.lower()}")
    plain, sharp = ((pretraining, name) for name in NAMES)
    slower = np.log(STEPS[sharp] / STEPS[plain]) + (SHAKEN[sharp] - SHAKEN[plain]) * JITTER
    known = forgotten(plain)
    check_mean(found.effect, slower[known])
    check_mean(found.control, slower[known])
    check_mean(found.null, np.full(SEEDS, 0.01))
    check_mean(found.details["the same at α = 0.9"], slower[known] + np.log(3.0))
    check_mean(found.details["the same at α = 0.5"], slower[known])
    assert found.details["fraction forgotten, SAM"].value == pytest.approx(0.9)
    assert found.conditions.keys() == words([pretraining], NAMES, [0.7])
    assert f"Over the {len(known)} of {SEEDS}" in found.remark
    assert (
        of(f"sam-slows-forgetting-after-{pretraining.lower()}", alpha=0.9).effect
        == (found.details["the same at α = 0.9"])
    )


def test_no_step_at_all_counts_as_one() -> None:
    changed = {name: data.copy() for name, data in SHELF.items()}
    (grid,) = [data for data in changed.values() if "forget_accuracy" in data]
    grid["phase_steps"] = grid["phase_steps"].where(grid["phase_steps"].isnull(), 0.0)
    found = evidence("sam-slows-forgetting-after-sgd", changed)
    assert found.effect is not None
    assert found.effect.value == 0.0
