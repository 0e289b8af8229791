"""Which runs count, and what stands beside an effect."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from deepnet.ledger.claims import find_claims
from deepnet.ledger.findings import Findings
from deepnet.ledger.reading import Reading
from tests.deepnet.ledger.planted import AGAIN, LOSS, PLAIN, REPLICATES, effect, found, planted, row_of
from tests.deepnet.made_up_matched import diverged, unreached, world
from theory.statistics import Estimate


def test_arms_are_compared_replicate_by_replicate() -> None:
    rng = np.random.default_rng(1)
    shifts = rng.normal(0.0, 0.05, len(REPLICATES))

    def change(row: dict[str, Any]) -> dict[str, Any]:
        if row["kind"] == "trajectory":
            for numbers in row["stops"].values():
                numbers["retain_accuracy"] -= abs(shifts[row["replicate"]]) + 0.1 * (row["arm"] == PLAIN)
        return row

    measured = found("asam-improves-neggrad", world(REPLICATES, change=change)).effect
    assert measured is not None
    assert measured.value == pytest.approx(0.1)
    assert measured.standard_error < 1e-12  # what replicates share cancels


def test_a_missing_replicate_is_left_out_of_both_arms() -> None:
    plants = {"neggrad-asam-after-sgd": LOSS}
    rows = [r for r in planted(plants) if not (r.get("arm") == PLAIN and r["replicate"] == 2)]
    measured = found("asam-improves-neggrad", rows)
    assert measured.effect is not None
    assert measured.effect.value == pytest.approx(-0.1)
    assert measured.effect.degrees_of_freedom == 3
    assert measured.details["replicates"].value == 4.0
    assert measured.n_runs == 8
    none = found("asam-improves-neggrad", [r for r in planted({}) if r.get("arm") != PLAIN])
    assert (none.effect, none.was_run) == (None, False)
    assert "the arm neggrad-sgd-after-sgd was not run" in none.remark
    apart = [r for r in planted({}) if r.get("arm") != PLAIN or r["replicate"] > 1]
    apart = [r for r in apart if r.get("arm") != "neggrad-asam-after-sgd" or r["replicate"] < 2]
    assert "what is compared shares no replicate" in found("asam-improves-neggrad", apart).remark


def test_what_stands_beside_an_effect_is_of_the_same_runs() -> None:
    """An arm with more replicates tells nothing of the others there: neither numbers nor how they ended."""

    def change(row: dict[str, Any]) -> dict[str, Any]:
        alone = row.get("arm") == PLAIN and row["replicate"] == 0
        return unreached(row, retain_accuracy=0.1, forget_accuracy=0.9) if alone else row

    rows = world(REPLICATES, change=change)
    few = [row for row in rows if row.get("arm") != "neggrad-asam-after-sgd" or row["replicate"] > 0]
    both, less = found("asam-improves-neggrad", rows), found("asam-improves-neggrad", few)
    name = "retain accuracy, NegGrad with SGD after SGD"
    plain = [row for row in rows if row.get("arm") == PLAIN and row["replicate"] > 0]
    assert less.details[name].value == pytest.approx(
        np.mean([row["stops"]["loss"]["retain_accuracy"] for row in plain])
    )
    assert both.details[name].value < less.details[name].value - 0.1
    assert both.details["runs that did not reach the stop, NegGrad with SGD after SGD"].value == 1.0
    assert less.details["runs that did not reach the stop, NegGrad with SGD after SGD"].value == 0.0
    assert (both.n_runs, less.n_runs) == (2 * len(REPLICATES), 2 * len(REPLICATES) - 2)
    assert (less.endings, less.remark) == ({"reached": 1.0}, "")


def test_runs_that_do_not_end_as_they_should_are_told() -> None:
    def change(row: dict[str, Any]) -> dict[str, Any]:
        if row.get("arm") == PLAIN and row["replicate"] == 0:
            return unreached(row, forget_accuracy=0.9)
        return diverged(row) if row.get("arm") == PLAIN and row["replicate"] == 1 else row

    rows = world(REPLICATES, change=change)
    evidence = found("asam-improves-neggrad", rows)
    assert evidence.effect is not None
    assert evidence.effect.value == pytest.approx((0.4 + 1.0) / 5)
    assert evidence.remark == "NegGrad with SGD after SGD: of 5 runs 1 did not reach the stop and 1 diverged."
    assert evidence.endings == {"reached": 0.8, "not reached": 0.1, "diverged": 0.1}
    assert evidence.details["runs that did not reach the stop, NegGrad with SGD after SGD"].value == 1.0
    assert evidence.details["runs that diverged, NegGrad with SGD after SGD"].value == 1.0
    assert evidence.details["runs that diverged, NegGrad with ASAM after SGD"].value == 0.0
    assert effect("asam-improves-neggrad", rows, unreached="left out") == pytest.approx(1.0 / 4)
    steps = found("asam-forgets-in-more-steps", rows).effect
    assert steps is not None
    assert math.isnan(steps.value)


def endless_in(replicates: int, *arms: str) -> list[dict[str, Any]]:
    """Six replicates, in the first so many of which runs of some arms never reach their stop."""

    def change(row: dict[str, Any]) -> dict[str, Any]:
        return unreached(row) if row.get("arm") in arms and row["replicate"] < replicates else row

    return world(range(6), change=change)


@pytest.mark.parametrize(
    ("name", "arms"),
    [
        ("planted-faster-rate", ("control-rate-1.1", PLAIN)),
        ("asam-forgets-in-more-steps", ("neggrad-asam-after-sgd", PLAIN)),
    ],
)
def test_pairs_without_a_run_that_reaches_its_stop_tell_nothing_of_steps(name: str, arms: tuple[str, str]) -> None:
    """Both took all steps that there were, which is no sign that they need equally many."""
    few, half = (row_of(name, endless_in(count, *arms)) for count in (2, 3))
    assert few.verdict != "not testable"
    assert (half.verdict, half.effect) == ("not testable", None)
    assert "In 3 of 6 pairs of runs neither reached the stop" in half.remark
    assert found(name, endless_in(3, *arms), unreached="left out").effect is not None  # all that are left reach it
    assert row_of(name, endless_in(6, arms[0])).effect == pytest.approx(math.log(100 / 50))  # one of each pair did


def test_a_null_experiment_of_steps_needs_runs_that_reach_their_stop_too() -> None:
    """Otherwise it would pass by runs that were cut off together."""
    few, half = (found("planted-faster-rate", endless_in(count, AGAIN, PLAIN)) for count in (2, 3))
    assert (few.effect is None, half.effect is None) == (False, False)
    assert (few.null is not None, half.null is not None) == (True, True)
    assert (math.isnan(few.null.value), math.isnan(half.null.value)) == (False, True)


def test_raw_numbers_of_both_arms_stand_beside_a_row() -> None:
    row = row_of("asam-improves-neggrad", planted({PLAIN: LOSS | {"auc": 0.1, "step": 7}}))
    for words, aware, plain in (
        ("ToW", 1.0, 0.9), ("retain accuracy", 0.98, 0.88), ("forget accuracy", 0.5, 0.5), ("test accuracy", 0.9, 0.9),
        ("retain accuracy lost", 0.02, 0.12), ("test accuracy lost", 0.02, 0.02), ("steps to the stop", 50, 57),
        ("AUC of the attack by loss", 0.5, 0.6), ("accuracy while relearning", 0.6, 0.6),
    ):  # fmt: skip
        told = [row.details[f"{words}, NegGrad with {how} after SGD"]["effect"] for how in ("ASAM", "SGD")]
        assert told == pytest.approx([aware, plain]), words


def test_pictures_show_the_arms_and_the_ceiling() -> None:
    picture = found("asam-improves-neggrad", planted({PLAIN: LOSS})).picture
    assert picture is not None
    arms, ceiling = picture.curves
    assert arms.y.tolist() == pytest.approx([1.0, 0.9])
    assert ceiling.y.tolist() == pytest.approx([1.0, 1.0])
    assert len(picture.ticks) == 2
    lost = found("sharp-minmax-costs-retain-accuracy", planted({})).picture
    assert lost is not None
    assert [curve.label for curve in lost.curves] == ["mean, 95 % interval"]
    ranged = found("asam-widens-range-of-alpha", planted({"neggrad-alpha-0.5-sgd-after-sgd": LOSS})).picture
    assert ranged is not None
    aware, plain, top, close = ranged.curves
    assert [curve.label for curve in ranged.curves] == ["ASAM", "SGD", "ceiling", "close to it"]
    assert plain.x.tolist() == pytest.approx([(1 - alpha) / alpha for alpha in (0.5, 0.8, 0.9, 0.95, 0.99)])
    assert plain.y.tolist() == pytest.approx([0.9, 1.0, 1.0, 1.0, 1.0])
    assert aware.y.tolist() == pytest.approx([1.0] * 5)
    assert (top.y[0], close.y[0]) == pytest.approx((1.0, 0.97))
    bare = find_claims(["asam-improves-neggrad"])[0].measure(Reading(Findings.of(planted({})), bare=True))
    assert (bare.picture, dict(bare.details), bare.remark) == (None, {}, "")
    assert isinstance(bare.effect, Estimate)
