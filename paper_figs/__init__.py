"""The figures and tables of the paper: one file each, drawn from results on disk.

The names below are found when they are first used, so that what an import costs is what is used of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulate.house.discovery import found_on_use

if TYPE_CHECKING:
    from paper_figs.registry import all_sheets, find_sheets
    from paper_figs.workshop.caption import Caption
    from paper_figs.workshop.results import Results
    from paper_figs.workshop.sheet import Sheet, figure, table
    from paper_figs.workshop.tabular import Table

_HOME = {
    "registry": ("all_sheets", "find_sheets"),
    "workshop.caption": ("Caption",),
    "workshop.results": ("Results",),
    "workshop.sheet": ("Sheet", "figure", "table"),
    "workshop.tabular": ("Table",),
}

__all__ = ["Caption", "Results", "Sheet", "Table", "all_sheets", "figure", "find_sheets", "table"]

__getattr__ = found_on_use(__name__, {name: home for home, names in _HOME.items() for name in names})
