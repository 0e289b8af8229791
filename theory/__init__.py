"""What the theory of sharpness-aware unlearning states, and a ledger of what simulations say of it."""

from simulate.version import __version__
from theory.claims import all_claims, find_claims
from theory.conditions import CONDITIONS, Condition, margins, problem_margins
from theory.lab import Lab
from theory.ledger import Claim, Ledger, Verdict, run_claims
from theory.statement import Statement
from theory.statements import STATEMENTS

__all__ = [
    "CONDITIONS", "STATEMENTS", "Claim", "Condition", "Lab", "Ledger", "Statement", "Verdict", "__version__",
    "all_claims", "find_claims", "margins", "problem_margins", "run_claims",
]  # fmt: skip
