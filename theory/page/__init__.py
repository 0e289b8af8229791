"""The ledger as one page of HTML that needs nothing else: one small script of its own, no network, and no clock."""

from theory.page.document import page

__all__ = ["page"]
