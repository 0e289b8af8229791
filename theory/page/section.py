"""One claim: what it says and what was found, and folded below it all that was fixed and measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from simulate.house.verdicts import Verdict
from theory.ledger.book import Row
from theory.ledger.picture import Picture
from theory.ledger.wording import (
    OWNERS,
    control_verdict,
    could_have_seen,
    in_html,
    interval,
    number,
    verdict_words,
    where_it_differs,
    with_minus,
)
from theory.page.conditions import condition_words, conditions_table
from theory.page.distributions import distributions_table
from theory.page.once import Once
from theory.page.pieces import badge, folded, formula, image, kind, marked, table, terms

__all__ = ["section"]


def section(
    row: Row, picture: Picture | None, drawn: Callable[[Picture], str], once: Once, formulas: Mapping[str, str]
) -> str:
    """The section of a row.

    Args:
        row: The claim with its verdict.
        picture: Its picture, if there is one.
        drawn: What makes an SVG of a picture.
        once: What the page has shown so far.
        formulas: Conditions of the theory that the page has formulas of.

    Returns:
        HTML whose id is the name of the claim.
    """
    permalink = f'<a class="permalink" href="#{row.name}" title="Link to this claim">{escape(row.name)}</a>'
    parts = [
        f'<section id="{row.name}" data-verdict="{kind(row.verdict)}" data-family="{row.family}">',
        f'<p class="label">{badge(row.verdict, verdict_words(row.verdict, row.margin))} {row.number} · {permalink} · '
        f'<span class="owner">{OWNERS[row.family]}</span></p>',
        f"<h2>{in_html(row.title)}</h2>",
        _found(row),
        _margin(row),
        _outside(row, formulas),
        *(f'<p class="holds">{in_html(told)}</p>' for told in (row.holds, where_it_differs(row)) if told),
        _distrust(row),
        folded("Statement, experiment and all numbers", _all_of_it(row, picture, drawn, once, formulas)),
        "</section>",
    ]
    return "\n".join(part for part in parts if part)


# --- at a glance ---------------------------------------------------------------------------------------


def _found(row: Row) -> str:
    measured = f"<strong>{number(row.effect)}</strong> {interval(row.interval)}"
    alone = f' <span class="alone">alone {interval(row.plain_interval)}</span>' if row.plain_interval else ""
    predicted = f'<span class="predicted">predicted {escape(with_minus(row.predicted))}</span>'
    return f'<p class="found">{in_html(row.effect_is)}: {measured}{alone}, {predicted}</p>'


def _margin(row: Row) -> str:
    """How large an effect is, held against the smallest one of interest, and what an undecided row could have seen."""
    if row.margin is None or row.equivalence is None:
        return ""
    told = f"Smallest effect of interest {number(row.margin)}: the interval for equivalence is"
    seen = escape(could_have_seen(row))
    return f'<p class="found">{told} {interval(row.equivalence)}{f". {seen}" if seen else ""}</p>'


def _outside(row: Row, formulas: Mapping[str, str]) -> str:
    """The hypotheses that the experiment violates, and what the effect alone would say."""
    if row.verdict != Verdict.OUTSIDE.value:
        return ""
    violated = ", ".join(condition_words(name, formulas) for name in row.violated)
    return f'<p class="outside">Violates {violated}. By its effect alone: {badge(row.by_effect)}</p>'


def _distrust(row: Row) -> str:
    """What of control and null experiment forbids to trust the verdict."""
    told = []
    if control_verdict(row) not in (None, Verdict.REFUTED.value):
        told.append(f"Control {_control_verdict(row)}")
    if row.null and row.null["verdict"] == Verdict.REFUTED.value:
        told.append(f"Null experiment {_null_verdict(row)}")
    return f'<p class="distrust">{" · ".join(told)}</p>' if told else ""


# --- unfolded ------------------------------------------------------------------------------------------


def _all_of_it(
    row: Row, picture: Picture | None, drawn: Callable[[Picture], str], once: Once, formulas: Mapping[str, str]
) -> str:
    svg = "" if picture is None else drawn(picture)
    words = "" if picture is None else f"{row.effect_is}: {picture.y_label}"
    parts = [
        once.show(row, "Formula", row.statement, lambda: formula(row.statement)),
        folded("LaTeX", f"<code>{escape(row.statement)}</code>"),
        once.show(row, "Picture", svg, lambda: image(svg, words, "picture")),
        once.show(row, "Distributions", distributions_table(row)),
        _terms(row),
        once.show(row, "Choices", _choices(row)),
        once.show(row, "Other numbers", _details(row)),
        once.show(row, "Conditions of the theory", conditions_table(row, formulas)),
    ]
    return "\n".join(part for part in parts if part)


def _terms(row: Row) -> str:
    return terms(
        [
            ("Source", marked(row.source)),
            ("Refuted if", in_html(row.refuted_if)),
            ("Experiment", in_html(row.experiment)),
            ("Stopping rule", in_html(row.stopping_rule)),
            ("Statistic", in_html(row.statistic)),
            ("Control", _tried(row.control, _control_verdict(row))),
            ("Null experiment", _tried(row.null, _null_verdict(row)) if row.null else ""),
            ("Remark", in_html(row.remark)),
            ("Confidence", escape(row.confidence)),
            ("Trainings", f"{row.n_runs:,}, master seed {row.seed}, budget {escape(row.budget)}"),
            ("They ended", ", ".join(f"{share:.1%} {escape(word)}" for word, share in row.endings.items())),
        ]
    )


def _tried(found: Mapping[str, Any], verdict: str) -> str:
    """A control or a null experiment: what it predicts, what was measured and the verdict, each if there is one."""
    told = f"{in_html(found['name'])}: would have to be {escape(with_minus(found['predicted']))}"
    if found["effect"] is not None:
        told += f", is {number(found['effect'])} {interval(found['interval'])}"
    return f"{told} · {verdict}" if verdict else told


def _control_verdict(row: Row) -> str:
    """Whether the false variant was found out, as HTML; nothing if there is nothing that it could vouch for."""
    verdict = control_verdict(row)
    return "" if verdict is None else _passed(verdict, verdict == Verdict.REFUTED.value)


def _null_verdict(row: Row) -> str:
    """Whether nothing was seen where there is nothing; an interval that crosses the border tells neither."""
    verdict: str = row.null["verdict"]
    undecided = verdict not in (Verdict.SUPPORTED.value, Verdict.REFUTED.value)
    return verdict if undecided else _passed(verdict, verdict == Verdict.SUPPORTED.value)


def _passed(verdict: str, passed: bool) -> str:
    return f'<span class="tried">✓ {verdict}</span>' if passed else f'<span class="tried failed">✗ {verdict}</span>'


def _choices(row: Row) -> str:
    lines = [
        [in_html(told["words"]), in_html(told["primary"]), in_html(", ".join(told["others"])), in_html(told["reason"])]
        for told in row.choices.values()
    ]
    return table("What the claim leaves open, as it was chosen", ("Choice", "Here", "Others", "Reason"), lines)


def _details(row: Row) -> str:
    lines = [
        [in_html(label), number(found["effect"]), interval(found["interval"])] for label, found in row.details.items()
    ]
    return table("Other numbers; no verdict hangs on them", ("", "Value", "Interval"), lines, numeric=(1, 2))
