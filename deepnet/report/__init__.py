"""Reports of a study: tables, paired tests and figures of the rows of its results."""

from deepnet.report.table import terminal_table
__all__ = ["terminal_table"]
