"""The figures and tables of the paper: one file each, drawn from results on disk."""

from paper_figs.registry import all_sheets, find_sheets
from paper_figs.workshop.caption import Caption
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import Sheet, figure, table
from paper_figs.workshop.tabular import Table

__all__ = ["Caption", "Results", "Sheet", "Table", "all_sheets", "figure", "find_sheets", "table"]
