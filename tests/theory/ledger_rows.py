"""Effects of the tracked ledger with their standard errors, which its intervals are read back to."""

import json
import re
from collections.abc import Mapping
from typing import Any

from scipy.special import stdtrit

from tests.places import ROOT

__all__ = ["ledger_effect"]

CELLS = {"neggrad-sgd-benign": 6, "neggrad-sgd-harmful": 2, "neggrad-sam-benign": 6, "deactivation-after-training": 36}
"""Cells of which a row tells the worst: its interval allows for that."""
ROWS: Mapping[str, Mapping[str, Any]] = {
    row["name"]: row for row in json.loads((ROOT / "docs" / "ledger.json").read_text(encoding="utf-8"))
}


def ledger_effect(name: str) -> tuple[float, float]:
    """A row's effect and its standard error; "row: detail" names another number of the row.

    Intervals are Student's, of as many degrees of freedom as there are replicates, less one. That of the effect is the
    plain one; those of details cover with those of all claims of the family.
    """
    row, _, detail = name.partition(": ")
    found = ROWS[row]
    told = found["details"][detail] if detail else {**found, "interval": found["plain_interval"]}
    share, family = re.findall(r"(\d+)% .* all (\d+) claims", found["confidence"])[0]
    level, parts = (0.95, int(family)) if detail else (int(share) / 100.0, CELLS.get(row, 1))
    low, high = told["interval"]
    tail = (1.0 - level) / (2.0 * parts)
    return told["effect"], (high - low) / 2.0 / -float(stdtrit(_replicates(found) - 1, tail))


def _replicates(row: Mapping[str, Any]) -> int:
    (count,) = re.findall(r"([\d,]+) \(full\)\.", row["stopping_rule"])
    return int(count.replace(",", ""))
