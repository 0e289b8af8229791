"""Tables as data, and as Markdown and LaTeX."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from simulate.house.counting import counted

__all__ = ["Table", "latex", "markdown"]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of texts under heads.

    Texts are plain: what Markdown or LaTeX would read as markup is escaped, and Greek letters and signs such as ‖ and
    √ become formulas in LaTeX.
    """

    heads: tuple[str, ...]
    """Head of each column."""
    rows: tuple[tuple[str, ...], ...]
    """Texts of each row, as many as there are heads."""
    numeric: tuple[int, ...] = ()
    """Columns of numbers, which stand at the right."""
    widths: tuple[float, ...] = ()
    """Widths of the columns in LaTeX as fractions of the text; 0 lets a column take what it needs."""

    def __post_init__(self) -> None:
        """Require rows as long as the heads.

        Raises:
            ValueError: if a row has another length.
        """
        for row in self.rows:
            if len(row) != len(self.heads):
                raise ValueError(
                    f"Argument `rows` must have {counted(len(self.heads), 'text')} in each row, but one is {row!r}."
                )
        if self.widths and len(self.widths) != len(self.heads):
            raise ValueError(
                f"Argument `widths` must have {counted(len(self.heads), 'number')}, but has {len(self.widths)}."
            )


def markdown(table: Table) -> str:
    r"""The table as Markdown.

    Example:
        >>> print(markdown(Table(heads=("name", "value"), rows=(("a|b", "1"),), numeric=(1,))))
        | name | value |
        | :-- | --: |
        | a\|b | 1 |
    """
    rule = ["--:" if number in table.numeric else ":--" for number in range(len(table.heads))]
    lines = [table.heads, rule, *table.rows]
    return "\n".join(f"| {' | '.join(_for_markdown(text) for text in line)} |" for line in lines)


def latex(table: Table, *, caption: str, label: str) -> str:
    """The table as LaTeX: a `longtable`, which may run over pages.

    Args:
        table: The table.
        caption: Its caption, plain text.
        label: Its label, for references.
    """
    widths = table.widths or (0.0,) * len(table.heads)
    columns = "".join(_column(number in table.numeric, width) for number, width in enumerate(widths))
    head = _line(table.heads)
    lines = [
        "% Needs the packages amsmath, array, booktabs and longtable.",
        r"{\scriptsize\setlength{\tabcolsep}{2.5pt}\setlength{\LTcapwidth}{\textwidth}",
        rf"\begin{{longtable}}{{{columns}}}",
        rf"\caption{{{_for_latex(caption)}}}\label{{{label}}}\\",
        rf"\toprule {head} \midrule \endfirsthead",
        rf"\toprule {head} \midrule \endhead",
        *(_line(row) for row in table.rows),
        r"\bottomrule",
        r"\end{longtable}",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _column(right: bool, width: float) -> str:
    if width:
        return rf">{{\ragged{'left' if right else 'right'}\arraybackslash}}p{{{width:g}\textwidth}}"
    return "r" if right else "l"


def _line(texts: Sequence[str]) -> str:
    return " & ".join(map(_for_latex, texts)) + r" \\"


def _for_markdown(text: str) -> str:
    return re.sub(r"([|*_`<])", r"\\\1", text) if not re.fullmatch(r":--|--:", text) else text


_SIGNS = {
    "α": r"\alpha", "γ": r"\gamma", "δ": r"\delta", "ε": r"\varepsilon", "ζ": r"\zeta", "η": r"\eta", "κ": r"\kappa",
    "λ": r"\lambda", "ξ": r"\xi", "ρ": r"\rho", "σ": r"\sigma", "τ": r"\tau", "φ": r"\varphi", "Δ": r"\Delta",
    "Θ": r"\Theta", "Σ": r"\Sigma", "Φ": r"\Phi", "Ω": r"\Omega", "ℓ": r"\ell", "∇": r"\nabla", "‖": r"\|",
    "≥": r"\geq", "≤": r"\leq", "−": "-", "→": r"\to", "∝": r"\propto", "±": r"\pm", "×": r"\times",
    "·": r"\cdot", "≈": r"\approx", "∞": r"\infty", "∈": r"\in", "¼": r"\tfrac14", "½": r"\tfrac12", "⁻": "^{-}",
    "ψ": r"\psi", "²": "^{2}", "³": "^{3}", "⁴": "^{4}", "⁸": "^{8}", "|": "|", "<": "<", ">": ">",
}  # fmt: skip
"""Signs that LaTeX sets as formulas."""
_RAISED = {"¼": "1/4", "½": "1/2"}
"""Fractions in an exponent, where one above the other would be as high as two lines."""

_ESCAPES = {c: rf"\{c}" for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "…": r"\dots{}", "—": "---",
    "–": "--", "ŷ": r"$\hat{y}$", "ε̂": r"$\hat{\varepsilon}$", "’": "'", "“": "``", "”": "''", "\u00a0": "~",
    "†": r"\dag{}", "‡": r"\ddag{}",
}  # fmt: skip
"""What other signs become."""

_SIGN = f"[{re.escape(''.join(_SIGNS))}]"
_PIECE = re.compile(
    rf"(?P<hat>ε̂)|√\((?P<inside>[^()]*)\)|√(?P<rooted>\w)|(?P<base>{_SIGN}|\b\w)_(?:{{(?P<listed>[^{{}}]+)}}|(?P<index>\w+))"
    rf"|(?<![\d.])1e(?P<ten>[-−+]?\d+)|(?<=\d)e(?P<power>[-−+]?\d+)|\^(?P<raised>[-−]?\w+)"
    rf"|(?P<minus>(?<![^\s(\[])-(?=[\s\d]))|(?P<sign>{_SIGN})|.",
    re.DOTALL,
)


_KEPT_TOGETHER = re.compile(r"(?<=\d) (?=%)|(?<=\[)([−\d.]+,) (?=[−\d.]+\])")
"""A number and its percent sign, and the two ends of an interval: no line ends between them."""


def _for_latex(text: str) -> str:
    """Plain text for LaTeX: σ_0, 10^6, 1e-3 and mathematical signs as formulas, special signs escaped."""
    together = _KEPT_TOGETHER.sub(lambda found: f"{found[1] or ''}\u00a0", text)
    return _PIECE.sub(_replaced, together).replace("$$", "")


def _replaced(found: re.Match[str]) -> str:
    kind = found.lastgroup
    if kind == "index":
        index = found["index"] if len(found["index"]) == 1 else rf"\mathrm{{{found['index']}}}"
        index = _SIGNS.get(index, index)
        return f"${_SIGNS.get(found['base'], found['base'])}_{{{index}}}$"
    if kind == "listed":
        return f"${_SIGNS.get(found['base'], found['base'])}_{{{found['listed']}}}$"
    if kind == "inside":
        return rf"$\sqrt{{{_for_latex(found['inside']).replace('$', '')}}}$"
    if kind == "rooted":
        return rf"$\sqrt{{{_SIGNS.get(found['rooted'], found['rooted'])}}}$"
    if kind in ("ten", "power"):
        times = "" if kind == "ten" else r"\cdot"
        return f"${times}10^{{{int(found[kind].replace('−', '-'))}}}$"
    if kind == "raised":
        return f"$^{{{''.join(_RAISED.get(sign) or _SIGNS.get(sign, sign) for sign in found['raised'])}}}$"
    if kind == "minus":
        return "$-$"
    return f"${_SIGNS[found[0]]}$" if kind == "sign" else _ESCAPES.get(found[0], found[0])
