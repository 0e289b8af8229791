"""The ledger as one page of HTML that needs nothing else: no scripts, no network, and no clock."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Any

from simulate.house.counting import counted
from simulate.house.verdicts import Verdict
from theory.ledger.book import Ledger, Row
from theory.ledger.markup import badge, image, style, table
from theory.ledger.picture import Picture
from theory.ledger.wording import MARKS, OWNERS, control_verdict, counts, in_html, interval, number, warning, with_minus

__all__ = ["page"]

_RULE = (
    "Each claim predicts a region for one effect, fixed before the experiment, and the interval of the measured effect "
    "decides: supported if it lies inside the region, refuted if it lies outside, inconclusive if it crosses the "
    "border or if there is none, not testable if nothing of the claim can be measured, not run if what it needs was "
    "not run so far. Beside every claim stands a deliberately false variant of it, its negative control, which the "
    "same experiment has to refute: where it does not, the claim's own verdict deserves no trust."
)


def page(
    ledger: Ledger,
    *,
    title: str = "Ledger of claims",
    about: str = "",
    colors: Mapping[str, str] | None = None,
    account: Mapping[str, str] | None = None,
) -> str:
    """Write a ledger as a page.

    Args:
        ledger: Rows and their pictures.
        title: Heading of the page.
        about: Whose claims they are, in a sentence below the heading.
        colors: Colours of curves by name, see `theory.ledger.drawing.draw`.
        account: What was run and what was not, in words, by what it is about; it stands above the claims.

    Returns:
        HTML that is well-formed XML, too; the same bytes for the same ledger.
    """
    from theory.ledger.drawing import draw, figure_svg  # matplotlib, only when something is drawn

    def drawn(picture: Picture) -> str:
        return figure_svg(draw(picture, colors))

    parts = [
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8" />',
        '<meta name="viewport" content="width=device-width, initial-scale=1" />',
        f"<title>{escape(title)}</title><style>\n{style()}</style></head>\n<body><h1>{escape(title)}</h1>",
        f'<p class="about">{escape(about)}</p>' if about else "",
        _introduction(ledger),
        _account(account or {}),
        _overview(ledger.rows),
        *(_section(row, ledger.pictures.get(row.name), drawn) for row in ledger.rows),
        _legend(),
        "</body></html>\n",
    ]
    return "\n".join(parts)


# --- above the claims ----------------------------------------------------------------------------------


def _introduction(ledger: Ledger) -> str:
    tally = "".join(f"<li>{badge(verdict)} {count}</li>" for verdict, count in counts(ledger).items())
    alarm = warning(ledger)
    return "\n".join(
        [
            f'<p class="label">{escape(_provenance(ledger.rows))}</p>',
            f'<ul class="tally">{tally}</ul>',
            f'<p class="alarm">{escape(alarm)}</p>' if alarm else "",
            f"<p>{escape(_RULE)}</p>",
        ]
    )


def _account(account: Mapping[str, str]) -> str:
    terms = "".join(f"<dt>{escape(name)}</dt><dd>{escape(words)}</dd>" for name, words in account.items())
    return f"<dl>{terms}</dl>" if terms else ""


def _provenance(rows: Sequence[Row]) -> str:
    """What was run: version, seed, budget and confidence, which rows of one ledger share."""
    if not rows:
        return "No claim was run."
    row = rows[0]
    return (
        f"Version {row.version} · seed {row.seed} · budget {row.budget} · {counted(len(rows), 'claim')} · "
        f"{sum(row.n_runs for row in rows):,} trainings, counted for each claim that uses them · "
        "intervals of a family (the paper's claims, ours, open questions) cover together: 95 %, or 90 % where a region "
        "has two borders"
    )


def _overview(rows: Iterable[Row]) -> str:
    heads = ("#", "Claim", "Verdict", "Effect", "Interval", "Predicted", "Control")
    lines = [
        [
            str(row.number),
            f'<a href="#{row.name}">{in_html(row.title)}</a>',
            badge(row.verdict),
            number(row.effect, 3),
            interval(row.interval, 3),
            escape(with_minus(row.predicted)),
            _control_verdict(row),
        ]
        for row in rows
    ]
    return table("Overview; the titles lead to the details", heads, lines, numeric=range(3, 6), bare=range(3))


def _legend() -> str:
    marks = "".join(f"<dt>[{mark}]</dt><dd>{escape(meaning)}</dd>" for mark, meaning in MARKS.items())
    return f'<section id="marks"><h2>Marks of sources</h2><dl>{marks}</dl></section>'


# --- one claim -----------------------------------------------------------------------------------------


def _section(row: Row, picture: Picture | None, drawn: Callable[[Picture], str]) -> str:
    kind = OWNERS[row.family]
    return "\n".join(
        [
            f'<section id="{row.name}"><p class="label">{row.number} · {escape(row.name)} · {kind}</p>',
            f"<h2>{in_html(row.title)} {badge(row.verdict)}</h2>",
            _found(row),
            _formula(row.statement),
            "" if picture is None else image(drawn(picture), f"{row.effect_is}: {picture.y_label}", "picture"),
            _terms(row),
            _details(row),
            _conditions(row),
            "</section>",
        ]
    )


def _found(row: Row) -> str:
    measured = f"<strong>{number(row.effect)}</strong> {interval(row.interval)}"
    return f'<p class="found">{in_html(row.effect_is)}: {measured}, predicted {escape(with_minus(row.predicted))}</p>'


def _formula(latex: str) -> str:
    """The parts of a statement below each other, and their source."""
    from theory.ledger.drawing import formula_svg

    parts = "".join(image(formula_svg(part), part) for part in latex.split(r",\quad "))
    source = f"<details><summary>LaTeX</summary><code>{escape(latex)}</code></details>"
    return f'<div class="formula">{parts}</div>\n{source}'


def _terms(row: Row) -> str:
    told = {
        "Source": _marked(row.source),
        "Refuted if": in_html(row.refuted_if),
        "Experiment": in_html(row.experiment),
        "Stopping rule": in_html(row.stopping_rule),
        "Statistic": in_html(row.statistic),
        "Control": _control(row),
        "Left open": _open(row.choices),
        "Where it holds": escape(row.holds),
        "Remark": in_html(row.remark),
        "Confidence": escape(row.confidence),
        "Trainings": f"{row.n_runs:,}, master seed {row.seed}, budget {escape(row.budget)}",
        "They ended": ", ".join(f"{share:.1%} {escape(word)}" for word, share in row.endings.items()),
    }
    return "<dl>" + "\n".join(f"<dt>{term}</dt><dd>{text}</dd>" for term, text in told.items() if text) + "</dl>"


def _control(row: Row) -> str:
    """The false variant, what it predicts, what was measured and the verdict, each if there is one."""
    control = row.control
    told = f"{in_html(control['name'])}: would have to be {escape(with_minus(control['predicted']))}"
    if control["effect"] is not None:
        told += f", is {number(control['effect'])} {interval(control['interval'])}"
    return told if control_verdict(row) is None else f"{told} · {_control_verdict(row)}"


def _open(choices: Mapping[str, Mapping[str, Any]]) -> str:
    """Choices with their values, and why the primary ones are primary; folded, for there may be many."""
    lines = [
        [
            in_html(choice["words"]),
            f"<strong>{in_html(choice['primary'])}</strong>, {in_html(', '.join(choice['others']))}",
            in_html(choice["reason"]),
        ]
        for choice in choices.values()
    ]
    told = table("The primary value is bold.", ("What", "Values", "Why the primary one"), lines, numeric=())
    return f"<details><summary>{counted(len(lines), 'choice')}</summary>{told}</details>" if lines else ""


def _details(row: Row) -> str:
    lines = [
        [in_html(label), number(found["effect"]), interval(found["interval"])] for label, found in row.details.items()
    ]
    return table("Other numbers; no verdict hangs on them", ("", "Value", "Interval"), lines, numeric=(1, 2))


def _conditions(row: Row) -> str:
    """Hypotheses of the theory, those that some cell violates highlighted."""
    lines = []
    for name, found in row.conditions.items():
        least, outside = found["least_margin"], found["fraction_outside"]
        told = [escape(name.replace("_", " ")), "unlimited" if least is None else number(least, 3), f"{outside:.0%}"]
        lines.append([f'<span class="outside">{text}</span>' if outside else text for text in told])
    caption = (
        "Hypotheses of the theory over the cells of the experiment. The margin is log₁₀ of the largest constant with "
        "which one still holds; below 0 it asks for a constant below one."
    )
    return table(caption, ("Hypothesis", "Least margin", "Cells outside"), lines, numeric=(1, 2))


# --- pieces --------------------------------------------------------------------------------------------


def _control_verdict(row: Row) -> str:
    verdict = control_verdict(row)
    if verdict is None:
        return "—"
    if verdict == Verdict.REFUTED.value:
        return '<span class="control">✓ refuted</span>'
    return f'<span class="control unrefuted">✗ {verdict}</span>'


def _marked(source: str) -> str:
    """A source whose marks say on hovering what they mean."""

    def explained(found: re.Match[str]) -> str:
        meaning = "; ".join(MARKS[letter] for letter in re.findall(r"\b[SMDN]\b", found[0]))
        return f'<abbr title="{meaning}">{found[0]}</abbr>'

    return re.sub(r"\[[SMDN]\b[^\]<>]*\]", explained, in_html(source))
