"""How claims say what was run: sizes and stopping rules that their experiments share, in words."""

from __future__ import annotations

from theory.experiments.course import STANDARD
from theory.experiments.protocols import SHORTER
from theory.ledger import Control, Region

__all__ = ["HALVES", "INSIDE", "MATCHED", "SIZES", "UNLEARNED", "replicated"]

SIZES = f"n = {STANDARD.n}, |F| = {STANDARD.n_forget}, m = {STANDARD.m}, p = {STANDARD.label_flip:g}"
"""Sizes of the experiments on unlearning but the dimension and the signal."""
INSIDE = "initial weights, radii and steps of each optimizer's own theorem, inside all hypotheses with constant 1"
"""On which scales networks are trained."""
UNLEARNED = (
    f"d = {STANDARD.d:,}, {SIZES}, ‖φ‖ = 2.5 d^¼ n^-¼ q; pretraining to a loss of 0.05, then NegGrad at α = 0.7; "
    f"{INSIDE}."
)
"""The standard problem of unlearning."""
MATCHED = (
    "Unlearning stops when the mean loss on F reaches that of the network retrained without F from the same weights "
    f"({4000 * SHORTER:,} steps at most); "
)
"""When unlearning stops by the primary reading."""


HALVES = Control(name="half of the replicates less the other half", region=Region.around(0.0, 0.1))
"""Null experiment of an exponent."""


def replicated(quick: int, full: int) -> str:
    """Numbers of replicates.

    Example:
        >>> replicated(16, 150)
        '16 replicates (quick), 150 (full).'
    """
    return f"{quick} replicates (quick), {full} (full)."
