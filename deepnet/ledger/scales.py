"""The deep ledger: the claims judged at each scale, and side by side; where all scales agree there is a summary."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from deepnet.ledger.claims import all_claims
from deepnet.ledger.findings import Findings
from deepnet.ledger.reading import Reading
from simulate.house.counting import counted
from simulate.house.verdicts import Verdict
from simulate.house.version import __version__
from theory.ledger import Choice, Claim, Evidence, Ledger, Row, family_sizes, run_claims
from theory.ledger.claim import FAMILIES
from theory.ledger.judging import is_trusted, judged
from theory.ledger.wording import verdict_words

__all__ = [
    "DIFFER", "LOOKS", "ONE_SCALE", "UNDECIDED", "UNTRUSTED", "Judgement", "arms_of", "as_run", "intervals_of",
    "judge", "looks_at", "replicates_of", "summary_of",
]  # fmt: skip

LOOKS: Mapping[str, Mapping[str, tuple[int, ...]]] = {
    "digits": {"paper": (30, 90), "ours": (30, 90), "open": (15, 15, 30)},
    "digits-labels": dict.fromkeys(FAMILIES, (15, 30)),
    "digits-feature": dict.fromkeys(FAMILIES, (15, 30)),
}
"""The numbers of replicates at which rows are judged, by scale and family of claims; all others are judged once.

They were written down before the last of each was run. Open questions of digits were judged at 15 with 30 references,
then with 90. On the way to 30, a number that was fixed before, digits were drawn at 12 and at 20, which is not counted.
"""
DIFFER = "scales differ"
"""What is said where scales decide differently."""
UNDECIDED = "undecided at some"
"""What is said where some scales decide alike, and the others do not decide."""
ONE_SCALE = "one scale only"
"""What is said where a single scale has a say."""
UNTRUSTED = "controls failed"
"""What is said where no scale has one that can be trusted."""
_COLUMNS = (
    "claim", "family", "scale", "verdict", "effect", "low", "high", "margin", "replicates", "control", "null",
    "together", "retain", "retain_other", "forget", "forget_other", "test", "test_other",
)  # fmt: skip


@dataclass(frozen=True)
class Judgement:
    """The ledgers of all scales.

    Attributes:
        ledgers: One a scale, with the same claims in the same order.
        findings: What they were made of.
    """

    ledgers: Mapping[str, Ledger]
    findings: Mapping[str, Findings]

    @property
    def side_by_side(self) -> list[tuple[dict[str, Row], str]]:
        """For each claim its row by scale, and the summary."""
        every = zip(*(ledger.rows for ledger in self.ledgers.values()), strict=True)
        found = [dict(zip(self.ledgers, rows, strict=True)) for rows in every]
        return [(rows, summary_of(list(rows.values()))) for rows in found]

    def as_csv(self) -> str:
        """A line for each claim and scale: verdict, effect, interval, margin, controls, summary, raw accuracies."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for rows, summary in self.side_by_side:
            for scale, row in rows.items():
                low, high = row.interval or ("", "")
                told = ["" if value is None else value for value in (row.effect, low, high, row.margin)]
                beside = [replicates_of(row), row.control["verdict"], row.null.get("verdict", ""), summary]
                writer.writerow([row.name, row.family, scale, row.verdict, *told, *beside, *_accuracies(row)])
        return text.getvalue()


def _accuracies(row: Row) -> list[float | str]:
    """Raw accuracies of the two arms that are compared, on retain, forget and test set; empty if they were not."""
    found: list[float | str] = []
    arms = [] if row.verdict == Verdict.NOT_RUN.value else arms_of(row)
    for name in ("retain", "forget", "test"):
        values = [row.details[f"{name} accuracy, {arm}"]["effect"] for arm in arms]
        found += [*values, "", ""][:2]
    return found


def judge(
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    claims: Sequence[Claim] | None = None,
    holds: Mapping[str, Mapping[str, str]] | None = None,
) -> Judgement:
    """Judge claims at each scale.

    Args:
        rows: The rows of `deepnet.matched`, by the name of their scale.
        claims: The claims; None is all of them.
        holds: Where claims hold, by scale and name, as an atlas found.

    Returns:
        A ledger a scale, and what they say together.

    Raises:
        ValueError: if there is no scale, or if rows are not what they must be; the message names the scale.
    """
    if not rows:
        raise ValueError("Argument `rows` must hold at least one scale, but is empty.")
    every = all_claims()
    ledgers, findings = {}, {}
    for scale, of_scale in rows.items():
        found = findings[scale] = Findings.of(of_scale)
        ledger = run_claims(
            every if claims is None else claims,
            Reading(found),
            rows=intervals_of(found),
            seed=0,
            budget=f"{scale}, {counted(len(found.replicates), 'replicate')}",
            version=__version__,
            holds=(holds or {}).get(scale),
        )
        by_name = {claim.name: claim for claim in (every if claims is None else claims)}
        looked = [
            _with_verdicts(_with_looks(row, looks_at(found.scale, row.family)), by_name[row.name], found)
            for row in ledger.rows
        ]
        ledgers[scale] = replace(ledger, rows=tuple(looked))
    return Judgement(ledgers, findings)


def looks_at(scale: str, family: str) -> int:
    """How often rows of a family are judged at a scale, planned times among them: the first look pays for all."""
    return len(LOOKS.get(scale, {}).get(family, (1,)))


def intervals_of(findings: Findings) -> dict[str, int]:
    """How many intervals of each family are to cover together at a scale: those of all claims, at every look."""
    sizes = family_sizes(all_claims())
    return {family: size * looks_at(findings.scale, family) for family, size in sizes.items()}


def _with_looks(row: Row, looks: int) -> Row:
    """The row, which says of its interval that it covers at all looks."""
    if looks == 1:
        return row
    claims = family_sizes(all_claims())[row.family]
    told = row.confidence.replace(f"all {claims * looks} claims of its family", f"all {claims} claims of its family")
    return replace(row, confidence=told.replace(" together (", f" at {looks} looks together ("))


def as_run(claim: Claim, findings: Findings) -> Claim:
    """A claim that leaves open only what was run at a scale: a protocol that nobody ran says nothing.

    Args:
        claim: The claim.
        findings: The findings of the scale.
    """

    def was_run(choice: Choice[Any], value: Any) -> bool:
        return bool(claim.measure(Reading(findings, {choice.name: value}, bare=True)).was_run)

    made = []
    for choice in claim.choices:
        kept = [choice.primary, *(value for value in choice.others if was_run(choice, value))]
        labels = {value: label for value, label in choice.labels.items() if value in kept}
        made += [replace(choice, others=tuple(kept[1:]), labels=labels)] if kept[1:] else []
    return replace(claim, choices=tuple(made))


def _with_verdicts(row: Row, claim: Claim, findings: Findings) -> Row:
    """The row, which says what the verdict is where one choice has another value that was run."""
    if row.has_no_verdict:
        return row
    size, told = intervals_of(findings)[claim.family], dict(row.choices)
    for choice in as_run(claim, findings).choices:
        found = {}
        for value in choice.others:
            evidence = claim.measure(Reading(findings, {choice.name: value}, bare=True))
            found[choice.label(value)] = _verdict_of(claim, evidence, size)
        told[choice.name] = {**told[choice.name], "verdicts": found}
    return replace(row, choices=told)


def _verdict_of(claim: Claim, evidence: Evidence, size: int) -> str:
    """The verdict; of a decision that cannot be trusted, that its controls failed."""
    verdict = str(judged(claim, evidence, size)["verdict"])
    said = (Verdict.INCONCLUSIVE.value, Verdict.NOT_TESTABLE.value)
    return verdict if verdict in said or is_trusted(claim, evidence, size) else UNTRUSTED


def summary_of(rows: Sequence[Row]) -> str:
    """What the rows of a claim at all scales say together: their verdict if they agree.

    A scale at which the claim was not run, or cannot be tested, has no say, nor has a decision whose control failed.
    """
    judged = [row for row in rows if not row.has_no_verdict]
    found = [row for row in judged if not _is_untrusted(row)]
    if judged and not found:
        return UNTRUSTED
    if not found:
        return next((row.verdict for row in rows if row.verdict == Verdict.NOT_TESTABLE.value), Verdict.NOT_RUN.value)
    if len(found) == 1:
        return ONE_SCALE
    verdicts = {row.verdict for row in found}
    if len(verdicts) == 1:
        return verdict_words(found[0].verdict, found[0].margin)
    return DIFFER if len(verdicts - {Verdict.INCONCLUSIVE.value}) > 1 else UNDECIDED


def _is_untrusted(row: Row) -> bool:
    """Whether a row is decided though its negative control is not refuted."""
    return row.verdict != Verdict.INCONCLUSIVE.value and row.control["verdict"] != Verdict.REFUTED.value


def replicates_of(row: Row) -> str:
    """On how many replicates a row rests, as its details tell."""
    found = row.details.get("replicates")
    return "" if found is None else f"{found['effect']:.0f}"


def arms_of(row: Row) -> list[str]:
    """The two arms, in words, whose accuracies a row tells; none of a claim on more arms, or on networks."""
    told = (words.partition(" accuracy, ") for words in row.details)
    found = [arm for name, comma, arm in told if comma and name == "retain"]
    return found if len(found) == 2 else []
