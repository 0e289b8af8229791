"""What a statement of the paper is here: a formula with its source, its hypotheses and its NumPy function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Indexed, IndexedBase, Sum
from sympy.core.relational import Relational

from theory.formulas.printing import latex
from theory.formulas.symbols import NUMPY

__all__ = ["Statement"]


@dataclass(frozen=True)
class Statement:
    r"""One lemma, theorem or definition.

    Example:
        >>> from theory.formulas.symbols import B, m, sigma_0, tau
        >>> from theory.formulas.statements import STATEMENTS
        >>> law = STATEMENTS["deactivation_law"].function(tau, sigma_0, m, B)
        >>> float(law(0.2, 0.01, 10, 40))  # 2Φ(1) - 1
        0.6826894921370859
    """

    name: str
    """Its name in `STATEMENTS`."""
    title: str
    """A few words for tables and figures."""
    source: str
    """Where it comes from, with a mark: [S] read, [M 90%] remembered, [D] derived here."""
    formula: Any
    """A sympy expression or relation, or a tuple of them."""
    hypotheses: tuple[str, ...] = ()
    """Names in `theory.formulas.conditions.CONDITIONS`."""
    note: str = ""
    """How it is read here, and what of it cannot be recovered."""

    @property
    def parts(self) -> tuple[Any, ...]:
        """The formula as a tuple, of one part or more."""
        return tuple(self.formula) if isinstance(self.formula, tuple) else (self.formula,)

    @property
    def right_sides(self) -> tuple[Any, ...]:
        """What `function` computes: the right-hand side of a relation, the whole of an expression."""
        return tuple(part.rhs if isinstance(part, Relational) else part for part in self.parts)

    @property
    def latex(self) -> str:
        """The formula in LaTeX that matplotlib's mathtext can set, without dollar signs."""
        return r",\quad ".join(map(latex, self.parts))

    def _repr_latex_(self) -> str:
        """How a notebook shows it."""
        return rf"$\displaystyle {self.latex}$"

    @property
    def free_symbols(self) -> frozenset[Any]:
        """The symbols of the right-hand sides, constants included; families stand for their members."""
        symbols = set().union(*(side.free_symbols for side in self.right_sides))
        return frozenset(symbol for symbol in symbols if not isinstance(symbol, Indexed))

    def function(self, *arguments: Any) -> Callable[..., Any]:
        """The right-hand side as a NumPy function.

        Args:
            *arguments: Symbols of `theory.formulas.symbols`, in the order of the function's arguments. Every symbol
            that the
                right-hand side needs, its unknown constants too; more do no harm, so that two statements can be given
                the same signature. A family such as y takes an array with its samples (or filters) first; families
                indexed by filters take the sign before, j = +1 first, as in `simulate`.

        Returns:
            A function of numbers or arrays that broadcast. It returns a tuple if the formula is one.

        Raises:
            ValueError: if a symbol is missing.
        """
        given = {base.label if isinstance(base, IndexedBase) else base for base in arguments}
        missing = sorted(str(symbol) for symbol in self.free_symbols - given)
        if missing:
            raise ValueError(
                f"Argument `arguments` must hold every symbol of the right-hand side of `{self.name}`, but lacks "
                f"{', '.join(missing)}."
            )
        sides = [side.replace(lambda part: isinstance(part, Indexed), _from_zero) for side in self.right_sides]
        bound = {limit[0] for side in sides for total in side.atoms(Sum) for limit in total.limits}

        def share(expressions: Any) -> Any:
            return sympy.cse(expressions, ignore=bound, list=False)  # nothing of a sum's inside may be moved out of it

        value = tuple(sides) if isinstance(self.formula, tuple) else sides[0]
        return sympy.lambdify(arguments, value, modules=[NUMPY, "numpy"], cse=share)


def _from_zero(member: Indexed) -> Indexed:
    """A member as arrays count: signs +1, -1 at 0, 1, and samples and filters from 0."""
    places = [(1 - index) / 2 if index.is_Number else index - 1 for index in member.indices]
    return member.base[tuple(places)]
