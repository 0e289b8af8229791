"""What a row publishes, against quantiles of scipy: intervals, verdicts and controls are those of the whole ledger."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from scipy import stats

from tests.theory.cases import claim
from theory.experiments.lab import Lab
from theory.ledger import Control, Evidence, Region, run_claims
from theory.statistics import Estimate

ROWS = 20
DEGREES, ERROR = 9, 0.1
ALONE = stats.t.ppf(1 - 0.05 / 2, DEGREES) * ERROR
TOGETHER = stats.t.ppf(1 - 0.05 / (2 * ROWS), DEGREES) * ERROR
EQUAL = stats.t.ppf(1 - 0.10 / (2 * ROWS), DEGREES) * ERROR
PICKED = stats.t.ppf(1 - 0.05 / (2 * ROWS * 3), DEGREES) * ERROR
BETWEEN = (ALONE + EQUAL) / 2
"""How far the border of a region is from an effect: beyond an interval of one row, within that of one of twenty."""


def row(effect: Estimate, region: Region, control: Estimate | None = None, beside: Region | None = None) -> Any:
    """The row of a claim whose effect and control are made up."""
    found = Evidence(
        effect=effect, control=control or Estimate(0.0, 0.0, 1), n_runs=1, details={"aside": effect},
        conditions={"limit": (-0.25, 0.5)}, endings={"converged": 2 / 3},
    )  # fmt: skip
    control_of = Control(name="it", region=beside or Region(low=9.0))
    made = replace(claim("a"), supported=region, control=control_of, measure=lambda lab: found)
    return run_claims([made], Lab(), rows=ROWS, seed=0, budget="quick", version="9.9").rows[0]


def test_intervals_are_students_of_the_whole_family() -> None:
    found = row(Estimate(1.0, ERROR, DEGREES), Region(low=0.0), Estimate(2.0, ERROR, DEGREES))
    for interval, value in (
        (found.interval, 1.0), (found.details["aside"]["interval"], 1.0), (found.control["interval"], 2.0),
    ):  # fmt: skip
        assert interval == pytest.approx([value - TOGETHER, value + TOGETHER], rel=1e-5)
    picked = row(Estimate(1.0, ERROR, DEGREES, comparisons=3), Region(low=0.0))
    assert picked.interval == pytest.approx([1.0 - PICKED, 1.0 + PICKED], rel=1e-5)


def test_an_interval_of_one_claim_alone_stands_beside_that_of_its_family() -> None:
    found = row(Estimate(1.0, ERROR, DEGREES), Region(low=0.0))
    assert found.plain_interval == pytest.approx([1.0 - ALONE, 1.0 + ALONE], rel=1e-5)
    equal = row(Estimate(1.0, ERROR, DEGREES), Region.around(1.0, 0.5))
    assert equal.interval == pytest.approx([1.0 - EQUAL, 1.0 + EQUAL], rel=1e-5)
    assert equal.confidence.startswith("90%")
    assert found.confidence.startswith("95%")


@pytest.mark.parametrize(
    ("region", "verdict"),
    [
        (Region(low=1.0 - TOGETHER * 1.001), "supported"),
        (Region(low=1.0 - BETWEEN), "inconclusive"),
        (Region(low=1.0 + BETWEEN), "inconclusive"),
        (Region(low=1.0 + TOGETHER * 1.001), "refuted"),
        (Region.around(1.0, BETWEEN), "inconclusive"),  # two one-sided tests, each at the level of the family
        (Region.around(1.0, EQUAL * 0.999), "inconclusive"),
        (Region.around(1.0, EQUAL * 1.001), "supported"),
    ],
)
def test_verdicts_are_those_of_the_whole_family(region: Region, verdict: str) -> None:
    measured = Estimate(1.0, ERROR, DEGREES)
    assert row(measured, region).verdict == verdict
    assert row(Estimate(0.0, 0.0, 1), Region(low=9.0), measured, region).control["verdict"] == verdict


def test_a_control_has_a_region_of_its_own() -> None:
    found = row(Estimate(1.0, 0.0, 1), Region.around(1.0, 0.5), Estimate(5.0, 0.0, 1), Region.around(5.0, 0.5))
    assert (found.verdict, found.control["verdict"]) == ("supported", "supported")
    assert (found.predicted, found.control["predicted"]) == ("in [0.5, 1.5]", "in [4.5, 5.5]")


def test_numbers_beside_it_stand_under_their_names_to_six_digits() -> None:
    found = row(Estimate(1.23456789, 0.0, 1), Region(low=0.0))
    assert found.effect == 1.23457
    assert found.conditions == {"limit": {"least_margin": -0.25, "fraction_outside": 0.5}}
    assert found.endings == {"converged": 0.666667}
    assert found.confidence == "95% for the effects of all 20 claims of its family together (Bonferroni)"
