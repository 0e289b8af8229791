"""Texts of a study inside Markdown and LaTeX, where some letters would be commands."""

from __future__ import annotations

import re

__all__ = ["latex", "markdown"]

_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "±": r"$\pm$", "−": r"$-$", "–": "--", "ρ": r"$\rho$", "×": r"$\times$", "Δ": r"$\Delta$",
    "\n": " ", "\r": " ", "\u00a0": "~",
}  # fmt: skip


def markdown(text: str) -> str:
    r"""Text that Markdown shows as it is, also inside a table.

    Example:
        >>> print(markdown("mask_polarity | *"))
        mask\_polarity \| \*
    """
    return re.sub(r"([\\`*_\[\]<>|#~])", r"\\\1", " ".join(text.splitlines()) if "\n" in text or "\r" in text else text)


def latex(text: str) -> str:
    r"""Text that LaTeX sets as it is.

    Example:
        >>> print(latex("50 % of mask_polarity, ρ=1"))
        50~\% of mask\_polarity, $\rho$=1
    """
    return "".join(_LATEX.get(letter, letter) for letter in re.sub(r"(?<=\d) (?=%)", "\u00a0", text))
