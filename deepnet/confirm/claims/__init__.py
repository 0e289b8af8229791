"""One file a group of claims. To add one, put a module here whose `CLAIMS` is a tuple of `Claim`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from theory.ledger import Claim
from theory.ledger.registry import claims_in, named

__all__ = ["all_claims", "find_claims"]


@cache
def all_claims() -> tuple[Claim, ...]:
    """Every claim of this folder, by number and then by file."""
    return claims_in(__name__, __path__)


def find_claims(names: Sequence[str]) -> tuple[Claim, ...]:
    """The claims of some names; a number stands for all claims of its group, and no name at all for every claim.

    Raises:
        ValueError: if a name is not known.
    """
    return named(all_claims(), names)
