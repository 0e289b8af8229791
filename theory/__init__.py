"""What the theory of sharpness-aware unlearning states, and a ledger of what simulations say of it.

The names below are found when they are first used, so that what an import costs is what is used of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulate.house.discovery import found_on_use
from simulate.house.version import __version__

if TYPE_CHECKING:
    from theory.claims import all_claims, find_claims
    from theory.experiments.lab import Lab
    from theory.formulas.conditions import CONDITIONS, Condition, margins, problem_margins
    from theory.formulas.statement import Statement
    from theory.formulas.statements import STATEMENTS
    from theory.ledger import Claim, Ledger, Verdict, run_claims

_HOME = {
    "claims": ("all_claims", "find_claims"),
    "experiments.lab": ("Lab",),
    "formulas.conditions": ("CONDITIONS", "Condition", "margins", "problem_margins"),
    "formulas.statement": ("Statement",),
    "formulas.statements": ("STATEMENTS",),
    "ledger": ("Claim", "Ledger", "Verdict", "run_claims"),
}

__all__ = [
    "CONDITIONS", "STATEMENTS", "Claim", "Condition", "Lab", "Ledger", "Statement", "Verdict", "__version__",
    "all_claims", "find_claims", "margins", "problem_margins", "run_claims",
]  # fmt: skip

__getattr__ = found_on_use(__name__, {name: home for home, names in _HOME.items() for name in names})
