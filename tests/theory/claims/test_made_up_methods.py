"""Claims on methods, on made-up scores: which method, pretraining, cells and replicates count."""

from collections.abc import Mapping

import numpy as np
import pytest
import xarray

from tests.theory.made_up import JITTER, SEEDS, check_mean, evidence, grid, words
from theory.experiments.forgetting.retrained import GRADIENTS, METHODS, RELEARN_STEPS, interaction, scored
from theory.ledger import Evidence

NAMES = ("SGD", "SAM")
TOW = dict(zip(METHODS, (0.60, 0.55, 0.50, 0.80, 0.75, 0.40, 0.35, 0.30), strict=True))
"""Tug of war; forget-SAM max comes closest to Sharp MinMax."""
NUMBER = {name: number for number, name in enumerate(METHODS)}
NOTHING = {"SGD": 3, "SAM": 6}
"""The seed of each pretraining in which no method takes a step."""
RELEARN: Mapping[str, tuple[float, ...]] = {
    "retrained": (50, 50, 50, 50, 50, 50, RELEARN_STEPS, RELEARN_STEPS, 50, 50),
    "NegGrad SGD": (90, 90, 90, RELEARN_STEPS, 10, 50, RELEARN_STEPS, 90, 90, 90),
    "Sharp MinMax": (1, 1, 1, 1, 1, 50, RELEARN_STEPS, RELEARN_STEPS, 90, 200),
}
"""Steps to relearn after pretraining with SGD; after SAM, as for all other methods, 20."""


def shaken(method: str) -> np.ndarray:
    return 1e-3 * (1 + NUMBER[method]) * JITTER


def made_up() -> xarray.Dataset:
    data = grid(
        {"pretraining": NAMES, "unlearner": tuple(METHODS)},
        tow=lambda pretraining, unlearner, seed: (
            TOW[unlearner] + shaken(unlearner)[seed] - (0.2 * (unlearner == "Sharp MinMax") * (pretraining == "SAM"))
        ),
        test_error=lambda unlearner, seed: 0.1 + NUMBER[unlearner] / 100,
        forget_accuracy=lambda unlearner, seed: 0.9 - NUMBER[unlearner] / 10,
        steps=lambda pretraining, unlearner, seed: (
            0.0 if NOTHING[pretraining] == seed or (unlearner, seed) == ("random label SGD", 5) else 10.0 + seed
        ),
        forgotten=lambda unlearner, seed: not (unlearner == "NegGrad SAM" and seed < 4),
        relearn_steps=lambda pretraining, unlearner, seed: (
            RELEARN[unlearner][seed] if pretraining == "SGD" and unlearner in RELEARN else 20.0
        ),
    )
    retrained = grid(
        {"pretraining": NAMES}, steps=lambda pretraining, seed: RELEARN["retrained"][seed] * (pretraining == "SGD")
    )
    return data.assign(retrained_relearn_steps=retrained["steps"])


SHELF = {scored: made_up()}


@pytest.mark.parametrize(("pretraining", "rival"), [("SGD", 0.75), ("SAM", 0.75)])
def test_the_best_is_compared_with_its_closest_rival(pretraining: str, rival: float) -> None:
    found = evidence(f"sharp-minmax-best-after-{pretraining.lower()}", SHELF)
    kept = np.arange(SEEDS) != NOTHING[pretraining]
    own = TOW["Sharp MinMax"] - (0.2 if pretraining == "SAM" else 0.0) + shaken("Sharp MinMax")
    lead = own - rival - shaken("NegGrad forget-SAM max")
    check_mean(found.effect, lead[kept], comparisons=len(METHODS) - 1)
    assert found.control == found.effect
    kept_tow = own[kept]
    check_mean(found.null, kept_tow[:8:2] - kept_tow[1:8:2])
    assert found.conditions.keys() == words([pretraining], METHODS)
    assert found.remark.startswith("9 of 10 replicates count")


def test_what_stands_beside_the_best() -> None:
    details = evidence("sharp-minmax-best-after-sgd", SHELF).details
    kept = np.arange(SEEDS) != NOTHING["SGD"]
    steps = 10.0 + np.arange(SEEDS)
    for name, number in NUMBER.items():
        assert details[f"test error, {name}"].value == pytest.approx(0.1 + number / 100)
        assert details[f"forget error, {name}"].value == pytest.approx(0.1 + number / 10)
        check_mean(details[f"ToW, {name}"], (TOW[name] + shaken(name))[kept])
        here = np.where((name == "random label SGD") & (np.arange(SEEDS) == 5), 0.0, steps)
        check_mean(details[f"gradients to forget, {name}"], GRADIENTS[name] * here[kept])
    assert details["fraction forgotten, NegGrad SAM"].value == pytest.approx(6 / 9)
    assert details["fraction forgotten, Sharp MinMax"].value == 1.0


def test_methods_take_as_many_gradients_as_their_moves() -> None:
    assert list(GRADIENTS.values()) == [1, 2, 2, 4, 2, 1, 1, 2]


# --- relearning --------------------------------------------------------------------------------------


def test_relearning_is_slower_in_more_pairs_or_in_fewer() -> None:
    """NegGrad against retrained: slower in 7 pairs, faster in 2 (one never relearned), equal in 2 of them."""
    found = evidence("relearning-faster-than-retrained", SHELF)
    signs = [1, 1, 1, 1, -1, 0, 0, -1, 1, 1]
    check_mean(found.effect, signs)
    assert found.effect is not None
    assert found.effect.range == (-1.0, 1.0)
    assert found.control == found.effect
    check_mean(found.null, [0, 0, 0, 0, 0])
    assert found.conditions.keys() == words(["SGD"], ["NegGrad SGD"])


def test_relearning_after_sharp_minmax_is_against_neggrad() -> None:
    found = evidence("relearning-faster-after-sharp-minmax", SHELF)
    check_mean(found.effect, [-1, -1, -1, -1, -1, 0, 0, 1, 0, 1])
    check_mean(found.null, [0, -1, -1, 1, 0])
    assert found.conditions.keys() == words(["SGD"], ["Sharp MinMax", "NegGrad SGD"])
    check_mean(found.details["slower than retrained, Sharp MinMax"], [-1, -1, -1, -1, -1, 0, 0, 0, 1, 1])
    assert found.details["never relearned, NegGrad SGD"].value == pytest.approx(0.2)
    assert found.details["never relearned, retrained"].value == pytest.approx(0.2)
    assert found.details["never relearned, NegGrad SAM"].value == 0.0


# --- α and the fraction of the forget part -----------------------------------------------------------

CELLS = {(0.5, 0.3): 0.5, (0.5, 0.6): 0.40, (0.5, 0.9): 0.33, (0.9, 0.3): 0.2, (0.9, 0.6): 0.15, (0.9, 0.9): 0.18}
"""Test error by α and fraction; at α = 0.7 it is 0.05."""


def crossed(fails: dict[tuple[float, float], int]) -> xarray.Dataset:
    return grid(
        {"alpha": (0.5, 0.7, 0.9), "fraction": (0.3, 0.6, 0.9)},
        test_error=lambda alpha, fraction, seed: (
            CELLS.get((alpha, fraction), 0.05) + 1e-3 * JITTER[seed] * (fraction == 0.6) * (alpha == 0.5)
        ),
        status=lambda alpha, fraction, seed: (
            "max_steps" if seed < fails.get((alpha, fraction), 0) else "converged"
        ),
    )  # fmt: skip


def independent(fails: dict[tuple[float, float], int]) -> Evidence:
    return evidence("alpha-fraction-independent", {interaction: crossed(fails)})


def test_the_interaction_is_a_difference_of_gains() -> None:
    found = independent({(0.7, 0.6): 10, (0.5, 0.3): 2, (0.9, 0.9): 1})
    check_mean(found.effect, 0.25 - 0.15 + 1e-3 * JITTER)
    assert found.control == found.effect
    check_mean(found.null, 1e-3 * (JITTER[::2] - JITTER[1::2]))
    assert found.conditions.keys() == words([0.5, 0.9], [0.6, 0.9])
    gains = [found.details[f"gain from α = 0.5 to 0.9 at fraction {fraction}"].value for fraction in (0.3, 0.6, 0.9)]
    assert gains == pytest.approx([0.3, 0.25, 0.15])
    left = [found.details[f"fraction of the runs forgotten at {fraction}, α = 0.5"].value for fraction in (0.3, 0.6)]
    assert left == pytest.approx([0.8, 1.0])
    assert found.remark == "Ridge, the best α at each fraction: 0.3: 0.7; 0.6: 0.9; 0.9: 0.7."


@pytest.mark.parametrize("cell", [(0.5, 0.6), (0.9, 0.6), (0.5, 0.9), (0.9, 0.9)])
def test_one_cell_that_is_not_forgotten_leaves_no_interaction(cell: tuple[float, float]) -> None:
    found = independent({cell: 2})
    assert found.effect is not None
    assert np.isnan(found.effect.value)
    assert found.null is not None
    assert np.isfinite(found.null.value)


def test_a_ridge_may_have_no_point() -> None:
    remark = independent({(alpha, 0.6): 10 for alpha in (0.5, 0.7, 0.9)}).remark
    assert "0.6: none, as too few runs are forgotten" in remark
