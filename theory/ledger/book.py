"""The ledger: claims run one after another, each leaving a row."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from simulate.house import checks
from simulate.house.verdicts import Verdict
from theory.ledger.claim import FAMILIES, Claim, Evidence
from theory.ledger.distribution import counts
from theory.ledger.judging import judged, level_of, measured, rounded, tried
from theory.ledger.picture import Picture
from theory.statistics import FAMILY_LEVEL

__all__ = ["Ledger", "Row", "family_sizes", "ledger_from", "run_claims"]

_OF_MARGINS = ("margin", "equivalence", "detectable")
"""What rows have of margins."""


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
    family: str
    """Whose claim it is: "paper", "ours" or "open"."""
    statement: str
    """The claim as a formula, in LaTeX."""
    verdict: str
    """What the interval says of it, or that its cells lie outside the hypotheses."""
    by_effect: str
    """What the interval alone says."""
    effect: float | None
    """The measured effect; None if there is none."""
    interval: list[float] | None
    """Both ends, simultaneous within the family; None if there is none."""
    plain_interval: list[float] | None
    """Both ends as if this were the only claim."""
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
    null: dict[str, Any]
    """The null experiment, in the same form; empty if the claim has none."""
    choices: dict[str, dict[str, Any]]
    """What the claim leaves open, by name: words, primary, others, reason; and, if others were tried with all else
    primary, the verdicts of those, by what they are called."""
    holds: str
    """Where it holds, as the atlas found; empty if it was not asked."""
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
    """Hypotheses of the theory: the least margin of the cells and the fraction outside."""
    hypotheses: list[str]
    """Those of them that the claim presupposes."""
    endings: dict[str, float]
    """Shares of trainings by how they ended."""
    remark: str
    """What else has to be known."""
    margin: float | None = None
    """Smallest effect of interest; None if the claim names none."""
    equivalence: list[float] | None = None
    """Both ends of the interval by which an effect is held against the margin; None without either."""
    detectable: dict[str, float] = field(default_factory=dict)
    """What an inconclusive row with a margin could have seen: see `theory.ledger.judging.detectable`."""
    distributions: dict[str, list[int]] = field(default_factory=dict)
    """How single replicates lie in [0, 1], by what is counted: see `theory.ledger.distribution.counts`."""

    @property
    def violated(self) -> list[str]:
        """Hypotheses it presupposes and some cell violates."""
        return [name for name in self.hypotheses if self.conditions.get(name, {}).get("fraction_outside", 0.0) > 0.0]

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

    @property
    def failed_nulls(self) -> list[str]:
        """Rows whose null experiment saw something where there is nothing: their verdict deserves no trust."""
        return [row.name for row in self.rows if row.null and row.null["verdict"] == Verdict.REFUTED.value]

    def to_json(self) -> str:
        """The rows as text, the same bytes for the same numbers; what few rows have stands in those alone."""
        return json.dumps(self.records, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    @property
    def records(self) -> list[dict[str, Any]]:
        """The rows as `to_json` writes them."""
        return [_record(row) for row in self.rows]


def _record(row: Row) -> dict[str, Any]:
    left_out = {*(_OF_MARGINS if row.margin is None else ()), *(() if row.distributions else ("distributions",))}
    return {name: value for name, value in asdict(row).items() if name not in left_out}


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


def family_sizes(claims: Iterable[Claim]) -> dict[str, int]:
    """How many claims each family has; at least one, so that an absent family asks nothing.

    Example:
        >>> family_sizes([])
        {'paper': 1, 'ours': 1, 'open': 1}
    """
    found = [claim.family for claim in claims]
    return {family: max(1, found.count(family)) for family in FAMILIES}


def run_claims(
    claims: Sequence[Claim],
    lab: Any,
    *,
    rows: int | Mapping[str, int],
    seed: int,
    budget: str,
    version: str,
    holds: Mapping[str, str] | None = None,
    begin: Callable[[Claim], None] = lambda claim: None,
) -> Ledger:
    """Run experiments and judge them.

    Args:
        claims: The claims to run.
        lab: What their experiments run in.
        rows: Number of claims of each family (`family_sizes`), or one number for all; the intervals of a family
            cover together, whichever of them are run today.
        seed: Master seed, for the record.
        budget: Name of the budget, for the record.
        version: Version of the project, for the record.
        holds: Where claims hold, by their names, as an atlas found; see `theory.ledger.atlas`.
        begin: Called before each claim.

    Returns:
        The ledger.

    Raises:
        ValueError: before anything runs, if `rows` lacks a family or is no number of claims, or `seed` is no seed.
    """
    checks.integer("seed", seed, least=0)
    sizes = {claim.family: _size(rows, claim.family) for claim in claims}
    made: list[Row] = []
    pictures: dict[str, Picture] = {}
    seconds: dict[str, float] = {}
    common = {"seed": int(seed), "budget": budget, "version": version}
    for claim in sorted(claims, key=lambda claim: claim.number):
        begin(claim)
        started = time.perf_counter()
        evidence = claim.measure(lab)
        seconds[claim.name] = time.perf_counter() - started
        holding = (holds or {}).get(claim.name, "")
        made.append(_row(claim, evidence, sizes[claim.family], {**common, "holds": holding}))
        if evidence.picture is not None:
            pictures[claim.name] = evidence.picture
    return Ledger(tuple(made), pictures, seconds)


def _size(rows: int | Mapping[str, int], family: str) -> int:
    """Number of claims of a family."""
    if isinstance(rows, Mapping) and family not in rows:
        checks.fail("rows", f'hold the number of claims of the family "{family}"', dict(rows))
    size = rows[family] if isinstance(rows, Mapping) else rows
    checks.integer("rows", size, least=1)
    return int(size)


def _row(claim: Claim, evidence: Evidence, rows: int, common: dict[str, Any]) -> Row:
    return Row(
        number=claim.number,
        name=claim.name,
        title=claim.title,
        source=claim.source,
        family=claim.family,
        statement=claim.statement,
        predicted=str(claim.supported),
        effect_is=claim.effect,
        refuted_if=claim.refuted_if,
        experiment=claim.experiment,
        stopping_rule=claim.stopping_rule,
        statistic=claim.statistic,
        control=tried(claim.control, evidence.control, rows),
        null=tried(claim.null, evidence.null, rows),
        choices={
            choice.name: {
                "words": choice.words,
                "primary": choice.label(choice.primary),
                "others": [choice.label(value) for value in choice.others],
                "reason": choice.reason,
            }
            for choice in claim.choices
        },
        n_runs=evidence.n_runs,
        confidence=(
            f"{level_of(claim.supported):.0%} for the effects of all {rows} claims of its family together (Bonferroni)"
        ),
        details={label: measured(estimate, rows, FAMILY_LEVEL) for label, estimate in evidence.details.items()},
        distributions={label: counts(values) for label, values in evidence.distributions.items()},
        conditions={
            name: {"least_margin": rounded(least), "fraction_outside": rounded(outside)}
            for name, (least, outside) in evidence.conditions.items()
        },
        hypotheses=list(claim.hypotheses),
        endings={name: rounded(share) for name, share in evidence.endings.items()},
        remark=evidence.remark,
        **judged(claim, evidence, rows),
        **common,
    )
