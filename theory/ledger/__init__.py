"""Claims, how they are judged, and the ledger that keeps the verdicts. Nothing here knows what the claims are about."""

from simulate.house.verdicts import Region, Verdict, decide
from theory.ledger.book import Ledger, Row, run_claims
from theory.ledger.claim import Claim, Control, Evidence
from theory.ledger.picture import Curve, Picture

__all__ = [
    "Claim", "Control", "Curve", "Evidence", "Ledger", "Picture", "Region", "Row", "Verdict", "decide", "run_claims",
]  # fmt: skip
