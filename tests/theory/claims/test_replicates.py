"""Rows say how many replicates their first experiment has, in either budget."""

from __future__ import annotations

import re
from typing import Any

import pytest

from theory.claims import all_claims, find_claims
from theory.experiments.lab import Budget, Lab
from theory.ledger import Claim


class _AskedError(Exception):
    """How many replicates were asked for."""


class _Asking(Lab):
    """A laboratory that runs nothing."""

    def grid(self, *arguments: Any, replicates: int, **settings: Any) -> Any:
        raise _AskedError(replicates)

    def seeds(self, name: str, count: int) -> list[int]:
        raise _AskedError(count)


@pytest.mark.parametrize("budget", ["quick", "full"])
@pytest.mark.parametrize("claim", all_claims(), ids=lambda claim: claim.name)
def test_the_row_says_its_replicates(claim: Claim, budget: Budget) -> None:
    number = _asked(claim, budget)
    words = _stopping(claim).replace(",", "")
    assert number is None or re.search(rf"\b{number}( [a-z ]+)? \({budget}\)", words), words


def _asked(claim: Claim, budget: Budget) -> int | None:
    """Replicates of a claim's first experiment; None if it needs none."""
    try:
        claim.measure(_Asking(budget, 0))
    except _AskedError as asked:
        return int(asked.args[0])
    return None


def _stopping(claim: Claim) -> str:
    """When a claim's experiment stops; "that of another" is followed there."""
    other = re.match(r"That of ([\w.-]+)\.", claim.stopping_rule)
    return claim.stopping_rule if other is None else _stopping(find_claims([other[1]])[0])
