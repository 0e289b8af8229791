"""How figures and tables are found: every module of figures/ and tables/ whose `main` is a `Sheet`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from paper_figs import figures, tables
from paper_figs.workshop.sheet import Sheet
from simulate.house.discovery import modules_of, most_like

__all__ = ["all_sheets", "find_sheets"]


@cache
def all_sheets() -> tuple[Sheet, ...]:
    """Every figure by its number, then every table by its number."""
    modules = (module for folder in (figures, tables) for module in modules_of(folder.__name__, folder.__path__))
    found = [module.main for module in modules if isinstance(getattr(module, "main", None), Sheet)]
    return tuple(sorted(found, key=lambda sheet: (sheet.kind, sheet.number, sheet.name)))


def find_sheets(names: Sequence[str]) -> tuple[Sheet, ...]:
    """The sheets of some names, each once and in the order of `all_sheets`; "all" stands for every one.

    Raises:
        ValueError: if a name is not known; the message has those that are most like it.
    """
    every = all_sheets()
    known = [sheet.name for sheet in every]
    for name in names:
        if name != "all" and name not in known:
            raise ValueError(
                f"Argument `names` must name figures or tables, or be all, but {name!r} is none of them; "
                f"{most_like(name, known)}."
            )
    return tuple(sheet for sheet in every if "all" in names or sheet.name in names)
