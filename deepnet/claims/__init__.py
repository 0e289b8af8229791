"""One file a group of claims. To add one, put a module here whose `CLAIMS` is a tuple of `Claim`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache

from theory.ledger import Claim

__all__ = ["all_claims", "find_claims"]


@cache
def all_claims() -> tuple[Claim, ...]:
    """Every claim of this folder, by number and then as its file has it.

    Raises:
        ValueError: if two claims have the same name.
    """
    modules = sorted(module.name for module in pkgutil.iter_modules(__path__))
    found = [claim for name in modules for claim in importlib.import_module(f"{__name__}.{name}").CLAIMS]
    names = [claim.name for claim in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"Argument `name` must be different for every claim, but {', '.join(twice)} is not.")
    return tuple(sorted(found, key=lambda claim: (claim.number, names.index(claim.name))))


def find_claims(names: Sequence[str]) -> tuple[Claim, ...]:
    """The claims of some names; a number stands for all claims of its group, and no name at all for every claim.

    Raises:
        ValueError: if a name is not known.
    """
    every = all_claims()
    unknown = [word for word in names if not any(word in (claim.name, str(claim.number)) for claim in every)]
    if unknown:
        known = ", ".join(claim.name for claim in every)
        raise ValueError(f"Argument `claims` must name claims or their numbers, but {unknown[0]!r} is none of {known}.")
    return tuple(c for c in every if not names or c.name in names or str(c.number) in names)
