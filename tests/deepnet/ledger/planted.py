"""Made-up rows with a planted effect, and what a claim says of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from deepnet.ledger.claims import all_claims, find_claims
from deepnet.ledger.findings import Findings
from deepnet.ledger.reading import Reading
from tests.deepnet.made_up_matched import world
from theory.ledger import Evidence, Row, family_sizes, run_claims

REPLICATES = range(5)
WOBBLE = 1e-3
"""How much numbers of replicates differ, so that there is chance."""
AGAIN, PLAIN = "control-other-batches", "neggrad-sgd-after-sgd"
LOSS = {"retain_accuracy": -0.1}
"""Takes a tenth from ToW."""

Plants = Mapping[str, Mapping[str, float]]
"""How much more a number is in the rows of an arm, at every stop."""


def planted(plants: Plants, *, wobble: float = 0.0, **where: Any) -> list[dict[str, Any]]:
    """The world, in which numbers of arms differ by what is planted."""
    rng = np.random.default_rng(0)

    def change(row: dict[str, Any]) -> dict[str, Any]:
        if row["kind"] == "trajectory":
            for name, amount in plants.get(row["arm"], {}).items():
                drawn = amount + wobble * rng.standard_normal()
                for numbers in (*row["stops"].values(), row["last"]):
                    if numbers["step"] is not None:
                        numbers[name] += drawn
        return row

    return world(where.pop("replicates", REPLICATES), change=change, **where)


def found(name: str, rows: list[dict[str, Any]], **protocol: Any) -> Evidence:
    """What rows say of a claim."""
    (claim,) = find_claims([name])
    evidence: Evidence = claim.measure(Reading(Findings.of(rows), protocol))
    return evidence


def effect(name: str, rows: list[dict[str, Any]], **protocol: Any) -> float:
    measured = found(name, rows, **protocol).effect
    assert measured is not None
    return measured.value


def row_of(name: str, rows: list[dict[str, Any]]) -> Row:
    claims = all_claims()
    ledger = run_claims(
        find_claims([name]), Reading(Findings.of(rows)), rows=family_sizes(claims), seed=0, budget="-", version="9.9"
    )
    return ledger.rows[0]
