"""Formulas as MathML, which browsers set by themselves, and the statements of the theory as a page."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from latex2mathml import converter

from extensions.filling import fill

__all__ = ["mathml", "setup", "statements"]


def statements(_: str = "") -> str:
    """Every statement of the theory as Markdown: its formula, where it is from, its hypotheses, how it is read."""
    from theory import CONDITIONS, STATEMENTS

    parts = []
    for name, statement in STATEMENTS.items():
        needs = ", ".join(f"[{each}](#hypothesis-{each})" for each in statement.hypotheses)
        lines = [
            f"## {statement.title}",
            *(_displayed(part) for part in statement.latex.split(r",\quad ")),
            f"`{name}` · {statement.source}",
            f"Hypotheses: {needs}." if needs else "",
            statement.note,
        ]
        parts += [line for line in lines if line]
    parts.append("## Hypotheses")
    for name, condition in CONDITIONS.items():
        parts += [f"(hypothesis-{name})=\n### {name}", _displayed(condition.latex), condition.source]
    return "\n\n".join(parts)


def mathml(latex: str, display: str = "inline") -> str:
    """A formula as browsers set it; strokes stand close, as in LaTeX."""
    told: str = converter.convert(latex, display=display)
    return told.replace('<mo stretchy="false">&#x0007C;', '<mo stretchy="false" lspace="0" rspace="0">&#x0007C;')


def _displayed(latex: str) -> str:
    return f"$$\n{latex}\n$$"


def _inline(self: Any, node: nodes.math) -> None:
    self.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def _displaymath(self: Any, node: nodes.math_block) -> None:
    self.body.append(self.starttag(node, "div", CLASS="math"))
    self.body.append(mathml(node.astext().removeprefix(r"\displaystyle").strip(), "block"))
    self.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, bool]:
    """Let Sphinx know."""
    app.add_html_math_renderer("mathml", (_inline, None), (_displaymath, None))
    fill(app, "statements of the theory", statements)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
