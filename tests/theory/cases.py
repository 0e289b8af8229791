"""Claims about nothing in particular, for tests of what the ledger does with claims."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from theory.ledger import Claim, Control, Curve, Evidence, Ledger, Picture, Region, run_claims
from theory.statistics import Estimate, exact, from_replicates

if TYPE_CHECKING:
    from theory.experiments.lab import Lab

HOSTILE = '<script>alert("1 & 2")</script>'


def claim(name: str, number: int = 1, *, control: float = 0.0, effect: float | None = 1.0, **changes: object) -> Claim:
    """A claim that an effect is about 1, whose control says that another number is."""

    def measure(lab: Lab) -> Evidence:
        measured = from_replicates(effect + 0.01 * lab.rng(name).standard_normal(20)) if effect is not None else None
        x = np.arange(1.0, 4.0)
        return Evidence(
            effect=measured,
            control=exact(control),
            n_runs=3,
            details={f"{name} aside": Estimate(0.5, 0.1, 9), "unknown": Estimate(np.nan, np.nan, 9)},
            conditions={"inside": (0.5, 0.0), "beyond": (-0.25, 0.5), "no_limit": (np.inf, 0.0)},
            picture=Picture("$x$", "y", (Curve("SGD", x, x, x - 0.1, x + 0.1), Curve("law", x, x, style="line"))),
            remark="A remark.",
        )

    fields: Mapping[str, object] = {
        "name": name, "number": number, "title": f"Title of {name}", "source": "A paper [S]; the rest [M 70%], [D+N]",
        "statement": r"x \leq \frac{1}{2},\quad y^{2} = 1", "effect": "size", "supported": Region.around(1.0, 0.1),
        "refuted_if": "It differs.", "experiment": "Dice.", "stopping_rule": "20 throws.", "statistic": "Mean.",
        "control": Control(name="it is 0", region=Region.around(1.0, 0.1)), "measure": measure,
    }  # fmt: skip
    return Claim(**{**fields, **changes})  # type: ignore[arg-type]


def ledger(*claims: Claim, seed: int = 0) -> Ledger:
    """Their ledger, with intervals as for ten rows."""
    from theory.experiments.lab import Lab  # the simulator, which a process of the atlas does without

    return run_claims(claims, Lab(seed=seed), rows=10, seed=seed, budget="quick", version="9.9")


FALSE_EFFECT = claim("false-effect", 2, effect=3.0, family="open")
FAILED_CONTROL = claim("failed-control", 3, control=1.0)
NO_EFFECT = claim("no-effect", 4, effect=None)
ESCAPED = claim("escaped", 5, title=HOSTILE, source=HOSTILE, experiment=HOSTILE)
