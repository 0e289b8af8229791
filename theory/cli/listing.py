"""`python -m theory list` and `show`: the claims as they were fixed before any experiment."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Annotated, Any

import tyro
from rich import box
from rich.table import Table
from rich.text import Text

from simulate.house.command_line.options import Shown
from simulate.house.terminal import console
from theory import claims as registry
from theory.ledger import Choice, Claim
from theory.ledger.wording import OWNERS, in_signs, marks_line

__all__ = ["List", "Show"]

_INDENT = len("stopping rule  ")
_NAME = Shown(value="NAME", positional=True)


@dataclass(frozen=True, kw_only=True)
class List:
    """List all claims."""

    def __call__(self) -> int:
        """Print one line a claim."""
        rows = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for head in ("#", "name", "claim", "whose"):
            rows.add_column(head, justify="right" if head == "#" else "left", no_wrap=head in ("#", "name"))
        for claim in registry.all_claims():
            rows.add_row(str(claim.number), Text(claim.name), Text(in_signs(claim.title)), OWNERS[claim.family])
        console.print(rows)
        return 0


@dataclass(frozen=True, kw_only=True)
class Show:
    """Print what was fixed for a claim before its experiment."""

    name: Annotated[str, tyro.conf.Positional, _NAME]
    """Name of a claim, or a number for all claims of its group."""

    def __call__(self) -> int:
        """Print the claims."""
        holds = registry.holds()
        for claim in registry.find_claims([self.name]):
            console.print(_preregistration(claim, holds.get(claim.name, "")))
        console.print(_wrapped(marks_line(), 0))
        return 0


def _preregistration(claim: Claim, holds: str) -> Text:
    """What was fixed, one paragraph each, and where it holds; the formula stays on one line, to be copied."""
    control = f"{claim.control.name} (its interval {_inside(str(claim.control.region))}), which must be refuted"
    told = {
        "claim": claim.title,
        "source": claim.source,
        "effect": claim.effect,
        "supported if": f"its interval is {_inside(str(claim.supported))}",
        "refuted if": claim.refuted_if,
        "experiment": claim.experiment,
        "stopping rule": claim.stopping_rule,
        "statistic": claim.statistic,
        "control": control,
        **{f"open: {choice.name}": _told(choice) for choice in claim.choices},
        **({"holds": holds} if holds else {}),
    }
    kind = OWNERS[claim.family]
    made = Text.assemble((f"{claim.number} · {claim.name} ({kind})\n", "bold"))
    for term, text in told.items():
        made.append(_term(term), "dim").append(_wrapped(in_signs(text), _INDENT) + "\n")
    return made.append("in LaTeX".ljust(_INDENT), "dim").append(claim.statement + "\n")


def _term(term: str) -> str:
    """A term in its column; a longer one has a line of its own."""
    return term.ljust(_INDENT) if len(term) < _INDENT else f"{term}\n{' ' * _INDENT}"


def _told(choice: Choice[Any]) -> str:
    """A choice with its values and the reason of the primary one."""
    others = f" (or {', '.join(map(choice.label, choice.others))})" if choice.others else ""
    return f"{choice.words}: {choice.label(choice.primary)}{others}. {choice.reason}"


def _wrapped(text: str, indent: int) -> str:
    """A text on lines that fit the terminal, all but the first indented."""
    width = max(console.width - indent, 2 * _INDENT)
    return textwrap.fill(text, width).replace("\n", "\n" + " " * indent)


def _inside(region: str) -> str:
    return region if region.startswith("in ") else f"all {region}"
