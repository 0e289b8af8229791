"""Claims on bounds after unlearning, on made-up lines: cells by place and d/n, label noise, forgotten runs, nulls."""

import numpy as np
import pytest

from tests.theory.claims.made_up_unlearning import nothing_to_forget
from tests.theory.claims.test_made_up_boundaries import EXPONENT, PLACES, VALUES, law
from tests.theory.made_up import JITTER, SEEDS, check_mean, evidence, few_resamples, lines, words
from theory.experiments import unlearning
from theory.experiments.boundaries import Lines
from theory.ledger import Evidence

D = (2000, 6400)  # d/n is 100 and 320
PLACE = (0.5, 0.8, 2.5, 4.0)
EXCESS = {(2000, 0.5): 0.02, (6400, 0.5): 0.3, (2000, 0.8): 0.2, (6400, 0.8): 0.25,
          (2000, 2.5): 0.03, (6400, 2.5): 0.01, (2000, 4.0): 0.04, (6400, 4.0): 0.02}  # fmt: skip
"""Test error above 0.1."""
NEVER = unlearning.never_learned


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    few_resamples(monkeypatch)


def shaken(d: float, place: float) -> np.ndarray:
    return 1e-4 * (d / 1000 + place) * JITTER


def status(fails: dict[tuple[float, float], int]) -> object:
    """The first runs of some cells fail."""
    return lambda value, place, seed: "max_steps" if seed < fails.get((value, place), 0) else "converged"


def made_up(fails: dict[tuple[float, float], int] | None = None) -> Lines:
    return lines(
        {"d": D}, PLACE,
        test_error=lambda value, place, seed: 0.1 + EXCESS[value, place] + shaken(value, place)[seed],
        clean_error_by_label=lambda value, place, seed, label: (
            value / 1e5 + place / 10 + (0.5 if (label == 1) == (seed % 3 == 0) else 0.0)
        ),
        status=status(fails or {}),
    )  # fmt: skip


def of(name: str, experiment: object, made: Lines, **protocol: object) -> Evidence:
    return evidence(f"neggrad-{name}", {experiment: made, NEVER: nothing_to_forget()}, **protocol)


STEPS_OF_NOTHING = {name: first + np.arange(SEEDS) % 2 for name, first in (("SGD", 7.0), ("SAM", 9.0))}


def test_harmful_below_where_there_is_dimension_enough() -> None:
    found = of("sgd-harmful", unlearning.after_sgd, made_up())
    check_mean(found.effect, 0.3 + shaken(6400, 0.5))
    check_mean(found.control, 0.02 + shaken(6400, 4.0), comparisons=2)
    check_mean(found.null, STEPS_OF_NOTHING["SGD"])
    assert found.conditions.keys() == {"d 6400 0.5"}
    details = found.details
    assert details["clean error of the better class, cells of the claim"].value == pytest.approx(0.114)
    assert details["clean error of the worse class, cells of the claim"].value == pytest.approx(0.614)
    for word in ("better", "worse"):
        name = f"clean error of the {word} class, cells of the claim"
        assert found.distributions[name].mean() == pytest.approx(details[name].value)
    other = of("sgd-harmful", unlearning.after_sgd, made_up(), label_flip=0.2)
    assert other.effect is not None
    assert other.effect.value == pytest.approx(0.2)
    assert other.control.value == pytest.approx(-0.08)


def test_benign_above_at_both_ends() -> None:
    found = of("sgd-benign", unlearning.after_sgd, made_up())
    check_mean(found.effect, 0.04 + shaken(2000, 4.0), comparisons=4)
    check_mean(found.control, 0.3 + shaken(6400, 0.5), comparisons=2)
    check_mean(found.null, STEPS_OF_NOTHING["SGD"])
    assert found.conditions.keys() == words(["d"], D, (2.5, 4))
    assert found.n_runs == 8 * SEEDS


@pytest.mark.parametrize(("fails", "known"), [(1, True), (2, False)])
def test_without_forgetting_there_is_no_error_after_unlearning(fails: int, known: bool) -> None:
    """Nine runs of ten in every cell that is used; other cells may do as they please."""
    made = made_up({(2000, 2.5): fails, (2000, 0.8): 9})
    found = of("sgd-benign", unlearning.after_sgd, made)
    assert found.effect is not None
    assert np.isfinite(found.effect.value) == known
    worst = found.details["fraction of the runs that got to their end, in the worst cell"].value
    assert worst == pytest.approx(1 - fails / SEEDS)
    again = of("sgd-from-start", unlearning.from_start, made)  # which ends when R is fitted, or not at all
    assert again.effect is not None
    assert np.isfinite(again.effect.value) == known


def test_the_control_of_sam_in_both_is_that_of_sam_before() -> None:
    both = lines(
        {"d": D}, (2.0, 4.0), test_error=lambda value, place, seed: 0.2 + value / 1e5 + place / 100,
        clean_error_by_label=lambda label: 0.1, status=status({}),
    )  # fmt: skip
    beside = lines(
        {"d": D}, (0.35, 0.5), test_error=lambda value, place, seed: 0.4 - value / 1e5 - place / 10,
        clean_error_by_label=lambda label: 0.1, status=status({(2000, 0.35): 5}),
    )  # fmt: skip
    shelf = {unlearning.both_sam: both, unlearning.after_sam: beside, NEVER: nothing_to_forget()}
    found = evidence("neggrad-sam-benign", shelf)
    assert found.effect is not None
    assert found.effect.value == pytest.approx(0.1 + 0.064 + 0.04)
    assert found.control.value == pytest.approx(0.3 - 0.02 - 0.035)
    check_mean(found.null, STEPS_OF_NOTHING["SAM"])
    assert found.conditions.keys() == words(["d"], D, (2, 4))
    assert found.n_runs == 4 * SEEDS


@pytest.mark.parametrize(
    ("name", "experiment", "pretraining"),
    [
        ("sgd-boundary-d", unlearning.after_sgd, "SGD"),
        ("sam-pretrained-boundary-d", unlearning.after_sam, "SAM"),
    ],
)
@pytest.mark.parametrize(("fails", "p"), [(1, 0.1), (2, 0.2)])
def test_exponents_after_unlearning(name: str, experiment: object, pretraining: str, fails: int, p: float) -> None:
    made = lines(
        {"d": VALUES["d"]}, PLACES, flip=p, test_error=law(p=p), clean_error_by_label=lambda label: 0.1 * (label > 0),
        status=status({(VALUES["d"][1], PLACES[3]): fails}),
    )  # fmt: skip
    found = of(name, experiment, made)
    assert found.effect is not None
    assert found.control == found.effect or fails > 1
    if fails == 1:
        assert found.effect.value == pytest.approx(EXPONENT["d"], abs=1e-6)
        for level in (0.2, 0.3, 0.4):
            assert found.details[f"exponent at test error {level:g} alone"].value == pytest.approx(EXPONENT["d"])
    else:
        assert np.isnan(found.effect.value)
    check_mean(found.null, STEPS_OF_NOTHING[pretraining])
    assert found.conditions.keys() == words(["d"], VALUES["d"], PLACES)
    assert found.details["clean error of the better class, cells of the claim"].value == 0.0
