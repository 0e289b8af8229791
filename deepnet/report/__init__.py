"""Reports of a study: tables, paired tests and figures of the rows of its results. Nothing here needs torch."""

from deepnet.report.comparison import Comparison, compare_all, holm
from deepnet.report.rows import Results, Row, read_results, read_rows
from deepnet.report.summary import Block, Mean, Summary, blocks, summarise
from deepnet.report.table import latex_table, markdown_table, terminal_table
from deepnet.report.writing import write_report

__all__ = [
    "Block", "Comparison", "Mean", "Results", "Row", "Summary", "blocks", "compare_all", "holm", "latex_table",
    "markdown_table", "read_results", "read_rows", "summarise", "terminal_table", "write_report",
]  # fmt: skip
