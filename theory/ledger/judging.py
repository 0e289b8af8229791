"""What is said of a claim: evidence held against regions and margins, within the family of the claim."""

from __future__ import annotations

import math
from typing import Any

from simulate.house.verdicts import Region, Verdict, decide, is_negligible
from theory.ledger.claim import Claim, Control, Evidence
from theory.statistics import EQUIVALENCE_LEVEL, FAMILY_LEVEL, Estimate

__all__ = ["POWER", "detectable", "is_trusted", "judged", "level_of", "measured", "rounded", "tried"]

POWER = 0.8
"""Probability with which an effect is seen that an experiment "could have seen"."""


def judged(claim: Claim, evidence: Evidence, rows: int) -> dict[str, Any]:
    """What is said of a claim: the verdict, that of the effect alone, the effect, and its intervals.

    Args:
        claim: The claim.
        evidence: What its experiment measured.
        rows: Number of claims whose intervals are to cover together.
    """
    without = Verdict.NOT_TESTABLE if evidence.was_run else Verdict.NOT_RUN
    missing: dict[str, Any] = {"verdict": without.value, "effect": None, "interval": None, "plain_interval": None}
    told = missing if evidence.effect is None else _judged(evidence.effect, claim.supported, rows)
    if claim.margin is not None:
        told |= {"margin": claim.margin, **_by_margin(evidence.effect, claim.margin, told["verdict"], rows)}
    outside = evidence.effect is not None and _lies_outside(claim, evidence)
    return {**told, "by_effect": told["verdict"], "verdict": Verdict.OUTSIDE.value if outside else told["verdict"]}


def is_trusted(claim: Claim, evidence: Evidence, rows: int) -> bool:
    """Whether its control was refuted, as far as there is an effect to vouch for, and its null experiment was not."""
    control, null = tried(claim.control, evidence.control, rows), tried(claim.null, evidence.null, rows)
    vouched = control["verdict"] == Verdict.REFUTED.value or (evidence.effect is None and control["effect"] is None)
    return vouched and null.get("verdict") != Verdict.REFUTED.value


def tried(control: Control | None, estimate: Estimate | None, rows: int) -> dict[str, Any]:
    """A control or a null experiment with what it measured; empty if there is none."""
    if control is None or estimate is None:
        return {}
    found = _judged(estimate, control.region, rows)
    del found["plain_interval"]
    return {"name": control.name, "predicted": str(control.region), **found}


def level_of(region: Region) -> float:
    """Equivalence is two one-sided tests."""
    return EQUIVALENCE_LEVEL if region.is_equivalence else FAMILY_LEVEL


def measured(estimate: Estimate, rows: int, level: float) -> dict[str, Any]:
    """An effect and its interval, as a row has them."""
    return {"effect": rounded(estimate.value), "interval": _ends(estimate, rows, level)}


def detectable(estimate: Estimate, rows: int) -> dict[str, float]:
    """What an experiment could have seen: its least effect, the power, and what these hang on.

    Args:
        estimate: What it measured.
        rows: Number of claims whose intervals are to cover together.

    Returns:
        `effect`, whose sign is seen with probability `power`; its `standard_error`, the number of `replicates` (the
        degrees of freedom, and one) and of the claims in the `family`. Empty if there is no interval.
    """
    effect = estimate.detectable(rows, FAMILY_LEVEL, POWER)
    if math.isnan(effect):
        return {}
    told = {"effect": effect, "power": POWER, "standard_error": estimate.standard_error}
    told |= {"replicates": estimate.degrees_of_freedom + 1.0, "family": float(rows)}
    return {name: rounded(value) for name, value in told.items()}


def rounded(number: float) -> Any:
    """Six digits, which no verdict depends on; None for what is not finite, which JSON cannot say."""
    return float(f"{number:.6g}") if math.isfinite(number) else None


def _judged(estimate: Estimate, region: Region, rows: int) -> dict[str, Any]:
    level = level_of(region)
    verdict = decide(estimate.interval(rows, level), region).value
    return {"verdict": verdict, **measured(estimate, rows, level), "plain_interval": _ends(estimate, 1, level)}


def _by_margin(estimate: Estimate | None, margin: float, verdict: str, rows: int) -> dict[str, Any]:
    """The verdict of a claim that names a smallest effect of interest: whether there is none comes before its sign."""
    if estimate is None:
        return {}
    if is_negligible(estimate.interval(rows, EQUIVALENCE_LEVEL), margin):
        verdict = Verdict.NEGLIGIBLE.value
    told = {"verdict": verdict, "equivalence": _ends(estimate, rows, EQUIVALENCE_LEVEL)}
    return told | ({"detectable": detectable(estimate, rows)} if verdict == Verdict.INCONCLUSIVE.value else {})


def _ends(estimate: Estimate, rows: int, level: float) -> list[float] | None:
    """Both ends of an interval; None if it has none."""
    interval = [rounded(end) for end in estimate.interval(rows, level)]
    return interval if all(end is not None for end in interval) else None


def _lies_outside(claim: Claim, evidence: Evidence) -> bool:
    """Whether a cell violates a hypothesis that the claim presupposes."""
    return any(evidence.conditions[name][1] > 0.0 for name in claim.hypotheses if name in evidence.conditions)
