"""One file an idea. To add claims, put a module here whose `CLAIMS` is a tuple of `Claim`."""

from theory.ledger.registry import doors

__all__ = ["all_claims", "find_claims"]

all_claims, find_claims = doors(__name__, __path__)
"""Every claim of this folder; and those of some names or numbers."""
