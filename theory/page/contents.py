"""The list of claims beside the page, a drop-down on a phone, with the fields of the filter above it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simulate.house.counting import counted
from simulate.house.verdicts import Verdict
from theory.ledger.book import Row
from theory.ledger.claim import FAMILIES
from theory.ledger.wording import OWNERS, in_html
from theory.page.pieces import dot, kind

__all__ = ["contents"]


def contents(rows: Sequence[Row]) -> str:
    """The list and the filter. Ids of the page have an underscore, which names of claims cannot have."""
    if not rows:
        return ""
    entries = "\n".join(
        f'<li>{dot(row.verdict)} <a href="#{row.name}">{row.number} · {in_html(row.title)}</a></li>' for row in rows
    )
    return (
        '<nav aria-label="Claims"><details id="page_contents">\n'
        f'<summary>Contents · <span id="filter_count" role="status">{counted(len(rows), "claim")}</span></summary>\n'
        f"{_fields(rows)}\n<ol>{entries}</ol></details></nav>"
    )


def _fields(rows: Sequence[Row]) -> str:
    """The fields, hidden until the script that they need has begun."""
    found = [row.verdict for row in rows]
    verdicts = {kind(v.value): f"{v.value} ({found.count(v.value)})" for v in Verdict if v.value in found}
    owners = [row.family for row in rows]
    families: dict[str, str] = {
        family: f"{OWNERS[family]} ({owners.count(family)})" for family in FAMILIES if family in owners
    }
    return (
        '<div id="page_filter" hidden="hidden">\n'
        f"{_select('verdict', 'Verdict', 'any', verdicts)}\n{_select('family', 'Whose claim', 'anyone’s', families)}\n"
        '<label>Words <input id="filter_word" type="search" autocomplete="off" /></label>\n'
        '<a href="#">Show all claims</a></div>'
    )


def _select(name: str, label: str, every: str, options: Mapping[str, str]) -> str:
    told = "".join(f'<option value="{value}">{words}</option>' for value, words in {"": every, **options}.items())
    return f'<label>{label} <select id="filter_{name}">{told}</select></label>'
