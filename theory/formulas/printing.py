r"""Formulas in LaTeX as the paper writes them: α L(R) − (1 − α) L(F), not what an alphabet makes of it."""

from __future__ import annotations

from typing import Any

from sympy import Add, Mul, Sum
from sympy.core.function import Function
from sympy.printing.latex import LatexPrinter
from sympy.tensor.indexed import Indexed

from theory.formulas import symbols as s

__all__ = ["latex"]

_FIRST = (
    s.a, s.j, s.eta, s.tau, s.alpha, s.mixing, s.sample_weight, s.weight, s.pull, s.pulls, s.y, s.label, s.y_true,
    s.true_label, s.kappa, s.zeta, s.P,
)  # fmt: skip
"""What stands before sums such as (P - 1) and all other letters, in this order; families by their members."""
_SCALES = (s.sigma_0, s.sigma_p)
"""What stands between these sums and the other letters."""
_LAST = (s.phi, s.xi, s.w, s.w_0, s.gradient, s.loss_retain, s.loss_forget, s.loss_random)
"""What stands behind them: vectors and losses."""


def latex(formula: Any) -> str:
    r"""A formula that matplotlib's mathtext can set, without dollar signs.

    Args:
        formula: A sympy expression or relation.

    Example:
        >>> print(latex(s.alpha * s.loss_retain - (1 - s.alpha) * s.loss_forget))
        \alpha\,L(\mathcal{R}) - \left(1 - \alpha\right)\,L(\mathcal{F})
    """
    return str(_Printer({"mul_symbol": r"\,", "order": "none"}).doprint(formula))


class _Printer(LatexPrinter):
    """Sympy's printer with another order of factors and terms, and an index inside the bars of its norm."""

    def _print_Mul(self, expr: Any) -> str:
        number, rest = expr.as_coeff_Mul()
        ordered = sorted(rest.as_ordered_factors(), key=_rank)
        return str(super()._print_Mul(Mul(*([] if number == 1 else [number]), *ordered, evaluate=False)))

    def _as_ordered_terms(self, expr: Any, order: Any = None) -> list[Any]:
        return sorted(expr.as_ordered_terms(), key=lambda term: term.could_extract_minus_sign())

    def _print_Indexed(self, expr: Any) -> str:
        name, index = str(expr.base.label), ",".join(self._print(each) for each in expr.indices)
        if name.endswith(r"\|"):
            return rf"{name[:-2]}_{{{index}}}\|"
        return rf"{name}_{{{index}}}"


def _rank(factor: Any) -> tuple[int, int]:
    """Constants, known letters, sums of terms, scales, other letters, their roots, vectors and losses, functions."""
    base, power = factor.as_base_exp()
    name = base.base if isinstance(base, Indexed) else base
    if str(name).startswith("C_"):
        return 0, 0
    for rank, letters in ((1, _FIRST), (3, _SCALES), (6, _LAST)):
        if name in letters:
            return rank, letters.index(name)
    if isinstance(base, Add):
        return (2 if power.is_integer else 5), 0
    if isinstance(base, Sum):
        return 8, 0
    return (7 if isinstance(base, Function) else 4), 0
