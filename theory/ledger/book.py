"""The ledger: claims run one after another, each leaving a row."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from theory.ledger.claim import Claim, Evidence
from theory.ledger.decide import Region, Verdict, decide
from theory.ledger.picture import Picture
from theory.statistics import FAMILY_LEVEL, Estimate

__all__ = ["Ledger", "Row", "run_claims", "write_text"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One claim with its verdict; everything in it is text, numbers, or lists and mappings of them."""

    number: int
    name: str
    title: str
    source: str
    core: bool
    statement: str
    verdict: str
    effect: float | None
    interval: list[float] | None
    predicted: str
    effect_is: str
    refuted_if: str
    experiment: str
    stopping_rule: str
    statistic: str
    control: dict[str, Any]
    n_runs: int
    seed: int
    budget: str
    version: str
    confidence: str
    details: dict[str, dict[str, Any]]
    conditions: dict[str, dict[str, float]]
    endings: dict[str, float]
    remark: str


@dataclass(frozen=True)
class Ledger:
    """Rows in the order of their numbers, with what does not belong into the record itself."""

    rows: tuple[Row, ...]
    pictures: dict[str, Picture] = field(default_factory=dict)
    """Picture of each row, by its name."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Wall time of each row; experiments that rows share count for the first of them."""

    @property
    def unrefuted_controls(self) -> list[str]:
        """Rows whose negative control was not refuted: their verdict deserves no trust.

        A row that has no verdict, and no effect for its control, has nothing to be distrusted.
        """
        idle = (Verdict.NOT_TESTABLE.value, None)
        measured = [row for row in self.rows if (row.verdict, row.control["effect"]) != idle]
        return [row.name for row in measured if row.control["verdict"] != Verdict.REFUTED.value]

    def to_json(self) -> str:
        """The rows as text, the same bytes for the same numbers."""
        return json.dumps([asdict(row) for row in self.rows], indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def run_claims(
    claims: Sequence[Claim],
    lab: Any,
    *,
    rows: int,
    seed: int,
    budget: str,
    version: str,
    begin: Callable[[Claim], None] = lambda claim: None,
) -> Ledger:
    """Run experiments and judge them.

    Args:
        claims: The claims to run.
        lab: What their experiments run in.
        rows: Number of rows of the whole ledger; all intervals together cover with probability `FAMILY_LEVEL`,
            whichever of them are run today.
        seed: Master seed, for the record.
        budget: Name of the budget, for the record.
        version: Version of the project, for the record.
        begin: Called before each claim.

    Returns:
        The ledger.
    """
    made: list[Row] = []
    pictures: dict[str, Picture] = {}
    seconds: dict[str, float] = {}
    common = {"seed": seed, "budget": budget, "version": version}
    for claim in sorted(claims, key=lambda claim: claim.number):
        begin(claim)
        started = time.perf_counter()
        evidence = claim.measure(lab)
        seconds[claim.name] = time.perf_counter() - started
        made.append(_row(claim, evidence, rows, common))
        if evidence.picture is not None:
            pictures[claim.name] = evidence.picture
    return Ledger(tuple(made), pictures, seconds)


def _row(claim: Claim, evidence: Evidence, rows: int, common: dict[str, Any]) -> Row:
    control = _judged(evidence.control, claim.control.region, rows)
    missing = {"verdict": Verdict.NOT_TESTABLE.value, "effect": None, "interval": None}
    judged = missing if evidence.effect is None else _judged(evidence.effect, claim.supported, rows)
    return Row(
        number=claim.number,
        name=claim.name,
        title=claim.title,
        source=claim.source,
        core=claim.core,
        statement=claim.statement,
        predicted=str(claim.supported),
        effect_is=claim.effect,
        refuted_if=claim.refuted_if,
        experiment=claim.experiment,
        stopping_rule=claim.stopping_rule,
        statistic=claim.statistic,
        control={"name": claim.control.name, "predicted": str(claim.control.region), **control},
        n_runs=evidence.n_runs,
        confidence=f"{FAMILY_LEVEL:.0%} for the effects of all {rows} rows together (Bonferroni)",
        details={label: _measured(estimate, rows) for label, estimate in evidence.details.items()},
        conditions={
            name: {"least_margin": _rounded(least), "fraction_outside": _rounded(outside)}
            for name, (least, outside) in evidence.conditions.items()
        },
        endings={name: _rounded(share) for name, share in evidence.endings.items()},
        remark=evidence.remark,
        **judged,
        **common,
    )


def _judged(estimate: Estimate, region: Region, rows: int) -> dict[str, Any]:
    return {"verdict": decide(estimate.interval(rows), region).value, **_measured(estimate, rows)}


def _measured(estimate: Estimate, rows: int) -> dict[str, Any]:
    interval = [_rounded(end) for end in estimate.interval(rows)]
    known = all(end is not None for end in interval)
    return {"effect": _rounded(estimate.value), "interval": interval if known else None}


def _rounded(number: float) -> Any:
    """Six digits, which no verdict depends on; None for what is not finite, which JSON cannot say."""
    return float(f"{number:.6g}") if math.isfinite(number) else None


def write_text(path: Path, text: str) -> Path:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")  # by name, since `tempfile` would hide it from other users
    try:
        fresh.write_text(text, encoding="utf-8", newline="\n")
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    return path
