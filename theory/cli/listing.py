"""`python -m theory list` and `show`: the claims as they were fixed before any experiment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import tyro
from rich import box
from rich.table import Table
from rich.text import Text

from simulate.cli.console import console
from theory import claims as registry
from theory.ledger import Claim

__all__ = ["List", "Show"]


@dataclass(frozen=True, kw_only=True)
class List:
    """List all claims."""

    def __call__(self) -> int:
        """Print one line a claim."""
        rows = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for head in ("#", "name", "claim", "core"):
            rows.add_column(head, justify="right" if head == "#" else "left", overflow="fold", no_wrap=head == "#")
        for claim in registry.all_claims():
            rows.add_row(str(claim.number), Text(claim.name), Text(claim.title), "core" if claim.core else "")
        console.print(rows)
        return 0


@dataclass(frozen=True, kw_only=True)
class Show:
    """Print what was fixed of a claim before its experiment: everything but the result."""

    name: Annotated[str, tyro.conf.Positional]
    """Name of a claim, or a number for all claims of its group."""

    def __call__(self) -> int:
        """Print the claims."""
        for claim in registry.find_claims([self.name]):
            console.print(_preregistration(claim))
        return 0


def _preregistration(claim: Claim) -> Table:
    kind = "core" if claim.core else "not core"
    made = Table(
        title=f"{claim.number} · {claim.name} ({kind})", title_justify="left", title_style="bold", box=None,
        show_header=False, padding=(0, 2, 0, 0),
    )  # fmt: skip
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    told = {
        "claim": claim.title,
        "source": claim.source,
        "statement": claim.statement,
        "effect": claim.effect,
        "supported if": f"its interval is {_inside(str(claim.supported))}",
        "refuted if": claim.refuted_if,
        "experiment": claim.experiment,
        "stopping rule": claim.stopping_rule,
        "statistic": claim.statistic,
        "control": f"{claim.control.name} (its interval {_inside(str(claim.control.region))}), which must be refuted",
    }
    for term, text in told.items():
        made.add_row(term, Text(text))
    return made


def _inside(region: str) -> str:
    return region if region.startswith("in ") else f"all {region}"
