"""The ledger: claims run one after another, each leaving a row."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from simulate.house.verdicts import Region, Verdict, decide
from theory.ledger.claim import Claim, Evidence
from theory.ledger.picture import Picture
from theory.statistics import FAMILY_LEVEL, Estimate

__all__ = ["Ledger", "Row", "ledger_from", "run_claims"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One claim with its verdict; everything in it is text, numbers, or lists and mappings of them."""

    number: int
    """Number of its group."""
    name: str
    """Name of the claim."""
    title: str
    """The claim in one sentence."""
    source: str
    """Where it is from, with the mark of its source."""
    core: bool
    """Whether the theory stands or falls with it."""
    statement: str
    """The claim as a formula, in LaTeX."""
    verdict: str
    """What the interval says of it."""
    effect: float | None
    """The measured effect; None if there is none."""
    interval: list[float] | None
    """Both ends; None if there is none."""
    predicted: str
    """The effects it allows."""
    effect_is: str
    """What the effect is, in words."""
    refuted_if: str
    """What would refute it."""
    experiment: str
    """What was run."""
    stopping_rule: str
    """When it stops, and the number of replicates."""
    statistic: str
    """How effect and interval come of it."""
    control: dict[str, Any]
    """The negative control: name, predicted, verdict, effect, interval."""
    n_runs: int
    """Trainings behind it."""
    seed: int
    """Master seed."""
    budget: str
    """Name of the budget."""
    version: str
    """Version of the project."""
    confidence: str
    """What the interval covers."""
    details: dict[str, dict[str, Any]]
    """Further measured numbers, by name."""
    conditions: dict[str, dict[str, float]]
    """Hypotheses that cells violate: the least margin and the fraction outside."""
    endings: dict[str, float]
    """Shares of trainings by how they ended."""
    remark: str
    """What else has to be known."""

    @property
    def has_no_verdict(self) -> bool:
        """Whether there is nothing to judge: not testable, or not run."""
        return self.verdict in (Verdict.NOT_TESTABLE.value, Verdict.NOT_RUN.value)


@dataclass(frozen=True)
class Ledger:
    """Rows in the order of their numbers, with what does not belong into the record itself."""

    rows: tuple[Row, ...]
    """One a claim."""
    pictures: dict[str, Picture] = field(default_factory=dict)
    """Picture of each row, by its name."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Wall time of each row; experiments that rows share count for the first of them."""

    @property
    def unrefuted_controls(self) -> list[str]:
        """Rows whose negative control was not refuted: their verdict deserves no trust.

        A row that has no verdict, and no effect for its control, has nothing to be distrusted.
        """
        measured = [row for row in self.rows if not (row.has_no_verdict and row.control["effect"] is None)]
        return [row.name for row in measured if row.control["verdict"] != Verdict.REFUTED.value]

    def to_json(self) -> str:
        """The rows as text, the same bytes for the same numbers."""
        return json.dumps([asdict(row) for row in self.rows], indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def ledger_from(text: str) -> Ledger:
    """The ledger whose rows `Ledger.to_json` wrote; pictures are not among them.

    Raises:
        ValueError: if the text is not that of a ledger; the message says why.
    """
    try:
        rows = tuple(Row(**record) for record in json.loads(text))
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"not the rows of a ledger ({error})") from None
    return Ledger(rows)


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
    without = Verdict.NOT_TESTABLE if evidence.was_run else Verdict.NOT_RUN
    missing = {"verdict": without.value, "effect": None, "interval": None}
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
