"""The figures and tables of the paper: one file each, drawn from results on disk."""

from paper_figs.caption import Caption
from paper_figs.registry import all_sheets, find_sheets
from paper_figs.results import Results
from paper_figs.sheet import Sheet, figure, table
from paper_figs.tabular import Table

__all__ = ["Caption", "Results", "Sheet", "Table", "all_sheets", "figure", "find_sheets", "table"]
