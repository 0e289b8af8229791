"""Verdicts on made-up evidence: families, what lies outside the hypotheses, nulls, and what has no effect."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from scipy import stats

from tests.theory.cases import claim
from theory.experiments.lab import Lab
from theory.ledger import Control, Evidence, Ledger, Region, run_claims
from theory.statistics import Estimate

SIZES = {"paper": 2, "ours": 5, "open": 40}
DEGREES, ERROR = 9, 0.1
NOTHING = Control(name="nothing", region=Region.around(0.0, 0.5))


def ledger(rows: int | Mapping[str, int] = SIZES, **changes: Any) -> Ledger:
    """The ledger of one claim that an effect is at least 0; changes are of its evidence and of itself."""
    own = {name: changes.pop(name) for name in ("family", "hypotheses", "supported", "null_region") if name in changes}
    found = Evidence(
        **{"effect": Estimate(1.0, ERROR, DEGREES), "control": Estimate(-9.0, 0.0, 1), "n_runs": 1, **changes}
    )
    null = replace(NOTHING, region=own.pop("null_region", NOTHING.region))
    made = replace(
        claim("a"), **{"supported": Region(low=0.0), "null": null, "measure": lambda lab: found, **own},
        control=Control(name="it", region=Region(low=0.0)),
    )  # fmt: skip
    return run_claims([made], Lab(), rows=rows, seed=0, budget="quick", version="9.9")


def reach(rows: int, level: float = 0.95) -> float:
    return float(stats.t.ppf(1 - (1 - level) / (2 * rows), DEGREES) * ERROR)


@pytest.mark.parametrize("family", SIZES)
def test_intervals_cover_within_their_own_family(family: str) -> None:
    (row,) = ledger(family=family, null=Estimate(0.2, ERROR, DEGREES)).rows
    together = reach(SIZES[family])
    assert row.interval == pytest.approx([1.0 - together, 1.0 + together], rel=1e-5)
    assert row.plain_interval == pytest.approx([1.0 - reach(1), 1.0 + reach(1)], rel=1e-5)
    assert f"all {SIZES[family]} claims of its family" in row.confidence
    equal = reach(SIZES[family], 0.9)  # the null is an equivalence
    assert row.null["interval"] == pytest.approx([0.2 - equal, 0.2 + equal], rel=1e-5)
    assert row.null["effect"] == 0.2
    assert "plain_interval" not in row.null


@pytest.mark.parametrize(
    ("hypotheses", "verdict"),
    [((), "supported"), (("kept",), "supported"), (("broken",), "outside the hypotheses"), (("unknown",), "supported")],
)
def test_outside_is_where_a_presupposed_hypothesis_is_violated(hypotheses: tuple[str, ...], verdict: str) -> None:
    conditions = {"kept": (0.3, 0.0), "broken": (0.2, 0.01)}
    (row,) = ledger(hypotheses=hypotheses, conditions=conditions).rows
    assert (row.verdict, row.by_effect) == (verdict, "supported")
    assert row.violated == (["broken"] if verdict.startswith("outside") else [])
    (refuted,) = ledger(hypotheses=hypotheses, conditions=conditions, effect=Estimate(-9.0, 0.0, 1)).rows
    assert refuted.by_effect == "refuted"


def test_without_an_effect_nothing_lies_outside() -> None:
    for was_run, word in ((True, "not testable"), (False, "not run")):
        made = ledger(effect=None, was_run=was_run, hypotheses=("broken",), conditions={"broken": (-1.0, 1.0)})
        (row,) = made.rows
        assert (row.verdict, row.by_effect, row.effect, row.interval, row.plain_interval) == (
            word,
            word,
            None,
            None,
            None,
        )


@pytest.mark.parametrize(
    ("value", "error", "verdict", "failed"),
    [(0.0, 0.0, "supported", False), (0.5, 0.1, "inconclusive", False), (2.0, 0.1, "refuted", True)],
)
def test_a_null_fails_only_where_it_is_contradicted(value: float, error: float, verdict: str, failed: bool) -> None:
    found = ledger(null=Estimate(value, error, DEGREES))
    (row,) = found.rows
    assert row.null["verdict"] == verdict
    assert found.failed_nulls == (["a"] if failed else [])
    assert found.unrefuted_controls == []
    assert ledger().rows[0].null == {}  # it was not measured


def test_a_null_has_a_region_of_its_own() -> None:
    (row,) = ledger(null=Estimate(3.0, 0.0, 1), null_region=Region.around(3.0, 0.1)).rows
    assert (row.null["verdict"], row.null["predicted"], row.control["verdict"]) == (
        "supported",
        "in [2.9, 3.1]",
        "refuted",
    )


def test_equivalence_is_judged_at_its_own_level() -> None:
    border = (reach(5, 0.9) + reach(5)) / 2.0
    (row,) = ledger(family="ours", supported=Region.around(1.0, border)).rows
    assert row.verdict == "supported"  # at 95 % its interval would cross the border
    assert row.confidence.startswith("90%")
    (wide,) = ledger(family="ours", supported=Region(low=1.0 - border)).rows
    assert wide.verdict == "inconclusive"
    assert wide.details == {}


def test_one_number_of_rows_is_that_of_all_families() -> None:
    (row,) = ledger(rows=7, family="open").rows
    assert row.interval == pytest.approx([1.0 - reach(7), 1.0 + reach(7)], rel=1e-5)
