"""Links that read as the name of a file, which says something on a forge, read on the site as the title of the page."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["setup", "with_titles"]

_NAMED = re.compile(r"\[[\w./]+\.md\]\(([^)\s]+\.md(?:#[^)\s]+)?)\)")


def with_titles(text: str) -> str:
    """Markdown whose links to pages by their file names have no words of their own, so that Sphinx finds the title.

    Example:
        >>> with_titles("[theory.md](theory.md#what-was-found), [the atlas](atlas.md)")
        '[](theory.md#what-was-found), [the atlas](atlas.md)'
    """
    return _NAMED.sub(r"[](\1)", text)


def _named(app: Any, page: str, source: list[str]) -> None:
    source[0] = with_titles(source[0])


def setup(app: Any) -> dict[str, bool]:
    """Let Sphinx know."""
    app.connect("source-read", _named, priority=900)  # after what fills pages
    return {"parallel_read_safe": True, "parallel_write_safe": True}
