"""Claims that lie in a folder, one file each, and how they are found by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from types import ModuleType

from simulate.house.discovery import check_told_apart, modules_of, most_like
from theory.ledger.claim import Claim

__all__ = ["claims_in", "doors", "named", "topics_in"]


def doors(
    package: str, folders: Iterable[str]
) -> tuple[Callable[[], tuple[Claim, ...]], Callable[[Sequence[str]], tuple[Claim, ...]]]:
    """The two public functions of a package of claims: `all_claims` and `find_claims`; see `claims_in`."""

    @cache
    def all_claims() -> tuple[Claim, ...]:
        """Every claim of this folder, by number and then by file."""
        return claims_in(package, folders)

    def find_claims(names: Sequence[str]) -> tuple[Claim, ...]:
        """The claims of some names; a number stands for all claims of its group, and no name at all for every claim.

        Raises:
            ValueError: if a name is not known.
        """
        return named(all_claims(), names)

    return all_claims, find_claims


def claims_in(package: str, folders: Iterable[str]) -> tuple[Claim, ...]:
    """Every claim of a package, by number and then by file; each module has a tuple `CLAIMS`.

    Args:
        package: Its dotted name.
        folders: Where its modules are, its `__path__`.

    Raises:
        ValueError: if two claims have the same name.
    """
    found = [claim for module in modules_of(package, folders) for claim in module.CLAIMS]
    check_told_apart("claim", [claim.name for claim in found])
    return tuple(sorted(found, key=lambda claim: claim.number))


def topics_in(package: str, folders: Iterable[str]) -> dict[str, str]:
    """What the claims of a package are about, in a few words each, by their names.

    A module says it for all of its claims in `TOPIC`; one that does not is called by the first words of its text.
    Modules of the same words belong together.

    Args:
        package: Its dotted name.
        folders: Where its modules are, its `__path__`.
    """
    return {claim.name: _topic(module) for module in modules_of(package, folders) for claim in module.CLAIMS}


def _topic(module: ModuleType) -> str:
    text = (module.__doc__ or module.__name__.rpartition(".")[2]).strip().splitlines()[0]
    return str(getattr(module, "TOPIC", re.split(r"[:?]|\.\s|\.$", text)[0]))


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
            raise ValueError(
                f"Argument `claims` must name claims or their numbers, but {word!r} is none of the {len(names)} there "
                f"are; {most_like(word, names)}."
            )
    return tuple(c for c in every if not words or c.name in words or str(c.number) in words)
