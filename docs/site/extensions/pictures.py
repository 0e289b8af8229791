"""The gallery: a small picture of every figure and table, in the order of their numbers, which leads to its page."""

from __future__ import annotations

from typing import Any

from extensions.filling import fill

__all__ = ["grid", "setup"]


def grid(kind: str) -> str:
    """The figures, or the tables, as a list that the style sheet sets as a grid.

    Args:
        kind: "figures" or "tables".
    """
    from paper_figs import all_sheets

    sheets = [sheet for sheet in all_sheets() if f"{sheet.kind}s" == kind]
    lines = []
    for sheet in sheets:
        page, title = f"{sheet.name}.md", f"{sheet.kind.capitalize()} {sheet.number}. {sheet.asks or sheet.title}"
        shown = f"[![]({sheet.name}.png)]({page}) " if sheet.kind == "figure" else ""
        lines.append(f"- {shown}[{title}]({page})")
    below = "\n".join(sheet.name for sheet in sheets)
    return f"{{.{kind}}}\n" + "\n".join(lines) + f"\n\n```{{toctree}}\n:hidden:\n\n{below}\n```"


def setup(app: Any) -> dict[str, bool]:
    """Let Sphinx know."""
    fill(app, "every picture:", grid)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
