"""What stands above the claims: where they are from, how many have which verdict, and how to read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from simulate.house.counting import counted
from theory.ledger.book import Ledger, Row
from theory.ledger.wording import NOT_AT_HAND, counts, marks_line, warning
from theory.page.pieces import badge, folded, kind, terms

__all__ = ["beginning"]

_RULE = (
    "Each claim predicts a region for one effect, fixed before the experiment, and the interval of the measured effect "
    "decides: supported if it lies inside the region, refuted if it lies outside, inconclusive if it crosses the "
    "border or if there is none, not testable if nothing of the claim can be measured, not run if what it needs was "
    "not run so far. Where the experiment violates a hypothesis that the claim presupposes, the verdict is outside the "
    "hypotheses, whatever the effect says alone.",
    "Beside every claim stands a deliberately false variant of it, its negative control, which the same experiment has "
    "to refute. A null experiment says that nothing is to be seen where there is nothing, and must not be refuted. "
    "Where one of them fails, the claim's own verdict deserves no trust.",
    "A claim is the paper's, ours (derived here, or what the paper builds on), or an open question of the paper. The "
    "intervals of each of these families cover together: with 95 %, or 90 % where a region has two borders. The "
    "interval called “alone” is that of the claim as if it were the only one.",
)


_RULE_OF_MARGINS = (
    "A claim on a direction may name the smallest effect of interest. If the interval for equivalence (90 %, covering "
    "together within the family) lies inside of it on both sides of 0, there is no effect larger than that, and its "
    "sign is not asked for. Where nothing is decided, the row says which effect it could have seen."
)


def beginning(ledger: Ledger, about: str, account: Mapping[str, str]) -> str:
    """All of it."""
    alarm = warning(ledger)
    parts = [
        f'<p class="about">{escape(about)}</p>' if about else "",
        f'<p id="page_marks">{escape(NOT_AT_HAND)} {escape(marks_line())}</p>',
        _tally(ledger),
        f'<p class="alarm">{escape(alarm)}</p>' if alarm else "",
        f'<p class="label">{escape(_provenance(ledger.rows))}</p>',
        terms((escape(name), escape(words)) for name, words in account.items()),
        folded("How to read a claim", "".join(f"<p>{escape(text)}</p>" for text in _rule(ledger))),
    ]
    return "\n".join(part for part in parts if part)


def _rule(ledger: Ledger) -> tuple[str, ...]:
    return (*_RULE, _RULE_OF_MARGINS) if any(row.margin is not None for row in ledger.rows) else _RULE


def _tally(ledger: Ledger) -> str:
    """How many claims have each verdict; each leads to them."""
    told = (
        f'<li><a href="#verdict={kind(verdict)}">{badge(verdict)} {count}</a></li>'
        for verdict, count in counts(ledger).items()
    )
    return f'<ul class="tally">{"".join(told)}</ul>'


def _provenance(rows: Sequence[Row]) -> str:
    """What was run: version, seed and budget, which rows of one ledger share."""
    if not rows:
        return "No claim was run."
    row = rows[0]
    return (
        f"Version {row.version} · seed {row.seed} · budget {row.budget} · {counted(len(rows), 'claim')} · "
        f"{sum(row.n_runs for row in rows):,} trainings, counted for each claim that uses them"
    )
