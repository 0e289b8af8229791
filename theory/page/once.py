"""What several claims share stands on the page once."""

from __future__ import annotations

from collections.abc import Callable

from theory.ledger.book import Row
from theory.page.pieces import link_to

__all__ = ["Once"]


class Once:
    """What a page has shown so far, and with which claim.

    Rows that share an experiment have the same picture and the same tables: the first of them shows them, and others
    link to it.
    """

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], Row] = {}

    def show(self, row: Row, thing: str, content: str, make: Callable[[], str] | None = None) -> str:
        """Show something, or link to the claim that has it already.

        Args:
            row: The claim.
            thing: What it is, in words that begin a sentence.
            content: The same text for the same thing; empty if there is none.
            make: What draws it, if `content` is not HTML already.

        Returns:
            HTML.
        """
        if not content:
            return ""
        first = self._first.setdefault((thing, content), row)
        if first is not row:
            return f'<p class="elsewhere">{thing}: the same as of {link_to(first)}.</p>'
        return content if make is None else make()
