"""Claims, how they are judged, and the ledger that keeps the verdicts. Nothing here knows what the claims are about."""

from simulate.house.verdicts import Region, Verdict, decide
from theory.ledger.book import Ledger, Row, family_sizes, run_claims
from theory.ledger.choice import Choice, Protocol
from theory.ledger.claim import Claim, Control, Evidence
from theory.ledger.picture import Curve, Picture

__all__ = [
    "Choice", "Claim", "Control", "Curve", "Evidence", "Ledger", "Picture", "Protocol", "Region", "Row", "Verdict",
    "decide", "family_sizes", "run_claims",
]  # fmt: skip
