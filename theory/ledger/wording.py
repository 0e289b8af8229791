"""How numbers and verdicts of a ledger are written, wherever they are read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape

from simulate.house.verdicts import Verdict
from theory.ledger.book import Ledger, Row

__all__ = [
    "MARKS", "NOT_AT_HAND", "OWNERS", "control_verdict", "could_have_seen", "counts", "in_html", "in_signs", "interval",
    "listed", "marks_line", "number", "other_verdicts", "verdict_words", "warning", "where_it_differs", "with_minus",
]  # fmt: skip

MARKS = {
    "S": "read in the source that is named",
    "M": "remembered, with that confidence",
    "D": "derived here",
    "N": "seen in numbers of a prototype",
}
"""What the marks of sources mean."""

NOT_AT_HAND = (
    "The paper's full text was not at hand: its claims are read from its summaries, and what is remembered or derived "
    "is marked."
)
"""What a reader of any ledger has to know first."""

OWNERS = {"paper": "the paper's", "ours": "ours", "open": "open question"}
"""Whose claim a row is, in words."""

_LETTER = r"([α-ωΑ-Ω]|\b\w(?=_\w\b))"  # what has an index: κ_SAM, y_k, but not max_leak
_MINUS = re.compile(r"(?<![\w-])-(?=[\w\s(√])|(?<=\bP)-(?=1\b)")  # what is no hyphen
_RAISED, _LOWERED = str.maketrans("−0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"), str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def number(value: float | None, digits: int = 4) -> str:
    """A number to so many digits, or a dash for none.

    Example:
        >>> number(-0.25), number(None)
        ('−0.25', '—')
    """
    return "—" if value is None else with_minus(f"{value:.{digits}g}")


def interval(ends: Sequence[float] | None, digits: int = 4) -> str:
    """An interval to so many digits, or a dash for none.

    Example:
        >>> interval([0.22, 0.27])
        '[0.22, 0.27]'
    """
    return "—" if ends is None else f"[{', '.join(number(end, digits) for end in ends)}]"


def with_minus(text: str) -> str:
    """A text of numbers only, its hyphens set as minus signs.

    Example:
        >>> with_minus("in [-0.3, -0.2]")
        'in [−0.3, −0.2]'
    """
    return text.replace("-", "−")


def in_signs(text: str) -> str:
    """A text of a claim as a terminal can show it: minus signs, and raised and lowered digits.

    Example:
        >>> in_signs("from d = 10^6 on, exponent -1 of σ_0")
        'from d = 10⁶ on, exponent −1 of σ₀'
    """
    text = _MINUS.sub("−", text)
    text = re.sub(r"\^(−?\d+)(?!\w|[/.]\d)", lambda found: found[1].translate(_RAISED), text)
    return re.sub(rf"{_LETTER}_(\d)\b", lambda found: found[1] + found[2].translate(_LOWERED), text)


def in_html(text: str) -> str:
    """A text of a claim as HTML, with minus signs, powers and indices; other signs of HTML are escaped.

    Example:
        >>> in_html("κ_SAM < d^-0.5")
        'κ<sub>SAM</sub> &lt; d<sup>−0.5</sup>'
    """
    text = re.sub(rf"{_LETTER}_(\w+)", r"\1<sub>\2</sub>", escape(_MINUS.sub("−", text)))
    return re.sub(r"\^(−?\w+(?:\.\d+)?)(?!/\d)", r"<sup>\1</sup>", text)


def verdict_words(verdict: str, margin: float | None) -> str:
    """A verdict of a row; where an effect is none of interest, how large it is at most.

    Args:
        verdict: The verdict.
        margin: The smallest effect of interest, if the claim names one.

    Example:
        >>> verdict_words("no effect of interest", 0.02), verdict_words("refuted", 0.02)
        ('no effect larger than 0.02', 'refuted')
    """
    return f"no effect larger than {margin:g}" if verdict == Verdict.NEGLIGIBLE.value else verdict


def could_have_seen(row: Row) -> str:
    """What an inconclusive row with a margin could have seen, in a sentence; nothing for other rows."""
    if not row.detectable:
        return ""
    told = {name: number(value, 3) for name, value in row.detectable.items()}
    return (
        f"It could have seen an effect of {told['effect']} with a probability of {row.detectable['power']:.0%} "
        f"(standard error {told['standard_error']}, {told['replicates']} replicates, a family of {told['family']}); "
        f"of interest are effects from {number(row.margin)} on."
    ).replace("%", " %")


def where_it_differs(row: Row) -> str:
    """The verdicts with one choice changed and all others primary, where they are not that of the row, in a sentence.

    A value with which nothing could be tested says nothing; so does a row whose alternatives were not tried.
    """
    told = []
    for choice in row.choices.values():
        found = other_verdicts(row, choice.get("verdicts", {}))
        told += [f"{choice['words']}: {', '.join(f'{v} for {listed(w)}' for v, w in found.items())}"] if found else []
    sentences = (f"{each[0].upper()}{each[1:]}." for each in told)
    return f"With one choice changed the verdict differs. {' '.join(sentences)}" if told else ""


def other_verdicts(row: Row, verdicts: Mapping[str, str]) -> dict[str, list[str]]:
    """The values of a choice at which the verdict is another one than a row's, by that verdict in words.

    Args:
        row: The row.
        verdicts: What was found at each value; see `Row.choices`.
    """
    silent = {row.verdict, Verdict.NOT_TESTABLE.value, Verdict.OUTSIDE.value}
    is_trusted = row.control["verdict"] == Verdict.REFUTED.value  # or it is no news that controls fail elsewhere
    found: dict[str, list[str]] = {}
    for label, verdict in verdicts.items():
        if verdict not in silent and (is_trusted or verdict in {one.value for one in Verdict}):
            found.setdefault(verdict_words(verdict, row.margin), []).append(label)
    return found


def listed(words: Sequence[str]) -> str:
    """Words as a sentence lists them.

    Example:
        >>> listed(["one"]), listed(["one", "two", "three"])
        ('one', 'one, two and three')
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def control_verdict(row: Row) -> str | None:
    """What is said of the control of a row; None if the claim has no effect of its own that a control could vouch for.

    A control that was measured and not refuted is told in any case.
    """
    control = row.control
    refuted = control["verdict"] == Verdict.REFUTED.value
    if row.has_no_verdict and (refuted or control["effect"] is None):
        return None
    return str(control["verdict"])


def marks_line() -> str:
    """The marks of sources and their meanings, in one sentence."""
    return "; ".join(f"[{mark}] {meaning}" for mark, meaning in MARKS.items()) + "."


def counts(ledger: Ledger) -> dict[str, int]:
    """How many rows have each verdict, in the order of `Verdict`; those that are rare only where there are such."""
    found = [row.verdict for row in ledger.rows]
    rare = (Verdict.NOT_RUN, Verdict.OUTSIDE, Verdict.NEGLIGIBLE)
    told = [verdict.value for verdict in Verdict if verdict not in rare or verdict.value in found]
    return {verdict: found.count(verdict) for verdict in told}


def warning(ledger: Ledger) -> str:
    """One sentence if the ledger deserves no trust, otherwise nothing."""
    told = {
        "Negative controls not refuted": ledger.unrefuted_controls,
        "Null experiments that saw something where there is nothing": ledger.failed_nulls,
    }
    return " ".join(
        f"{what}, so that the verdicts of these claims deserve no trust: {', '.join(names)}."
        for what, names in told.items()
        if names
    )
