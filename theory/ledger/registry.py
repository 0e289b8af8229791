"""Claims that lie in a folder, one file each, and how they are found by name."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Iterable, Sequence

from theory.ledger.claim import Claim

__all__ = ["claims_in", "named"]


def claims_in(package: str, folders: Iterable[str]) -> tuple[Claim, ...]:
    """Every claim of a package, by number and then by file; each module has a tuple `CLAIMS`.

    Args:
        package: Its dotted name.
        folders: Where its modules are, its `__path__`.

    Raises:
        ValueError: if two claims have the same name.
    """
    modules = sorted(module.name for module in pkgutil.iter_modules(folders))
    found = [claim for name in modules for claim in importlib.import_module(f"{package}.{name}").CLAIMS]
    names = [claim.name for claim in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"Argument `name` must be different for every claim, but {', '.join(twice)} is not.")
    return tuple(sorted(found, key=lambda claim: (claim.number, names.index(claim.name))))


def named(every: Sequence[Claim], words: Sequence[str]) -> tuple[Claim, ...]:
    """The claims of some names; a number stands for all claims of its group, and no name at all for every claim.

    Raises:
        ValueError: if a name is not known; the message has the names that are most like it.
    """
    for word in words:
        if not isinstance(word, str):
            raise ValueError(
                f"Argument `claims` must hold names of claims or their numbers as texts, but has {word!r}."
            )
        if not any(word in (claim.name, str(claim.number)) for claim in every):
            names = [claim.name for claim in every]
            like = difflib.get_close_matches(word, names, cutoff=0.0)
            raise ValueError(
                f"Argument `claims` must name claims or their numbers, but {word!r} is none of the {len(names)} there "
                f"are; the most similar ones are {', '.join(like)}."
            )
    return tuple(c for c in every if not words or c.name in words or str(c.number) in words)
