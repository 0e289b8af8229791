"""What the theory of sharpness-aware unlearning states, and a ledger of what simulations say of it."""

from simulate.house.version import __version__
from theory.claims import all_claims, find_claims
from theory.experiments.lab import Lab
from theory.formulas.conditions import CONDITIONS, Condition, margins, problem_margins
from theory.formulas.statement import Statement
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Ledger, Verdict, run_claims

__all__ = [
    "CONDITIONS", "STATEMENTS", "Claim", "Condition", "Lab", "Ledger", "Statement", "Verdict", "__version__",
    "all_claims", "find_claims", "margins", "problem_margins", "run_claims",
]  # fmt: skip
