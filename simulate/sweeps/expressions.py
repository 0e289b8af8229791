"""Arithmetic as text: a formula in named numbers, read without evaluating Python."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NoReturn

__all__ = ["Expression"]

_OPERATORS: dict[type[ast.AST], Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_FUNCTIONS: dict[str, Callable[..., float]] = {
    "sqrt": math.sqrt, "exp": math.exp, "log": math.log, "log2": math.log2, "log10": math.log10, "floor": math.floor,
    "ceil": math.ceil, "round": round, "abs": abs, "min": min, "max": max,
}  # fmt: skip
_CONSTANTS = {"pi": math.pi, "e": math.e}

_LONGEST = 400
"""Most characters of an expression; what is longer is no formula."""


@dataclass(frozen=True)
class Expression:
    """A formula such as "0.1*sqrt(n)/((P-1)*sigma_p*d)".

    It may hold numbers, names (dotted ones too), + - * / // % **, brackets, pi, e and the functions sqrt, exp, log,
    log2, log10, floor, ceil, round, abs, min and max.

    Example:
        >>> Expression("0.1*n*m/d", name="lr").value({"n": 20, "m": 10, "d": 1000})
        0.02
    """

    text: str
    """The formula."""
    name: str
    """What it is the value of, for errors."""
    names: frozenset[str] = field(init=False, compare=False, repr=False)
    """The names it needs."""

    def __post_init__(self) -> None:
        """Read the formula.

        Raises:
            ValueError: if it is not arithmetic.
        """
        if not isinstance(self.text, str):
            self._refuse("be an expression in quotes", self.text)
        names: set[str] = set()
        self._names(self._tree(), names)
        object.__setattr__(self, "names", frozenset(names))

    def value(self, numbers: Mapping[str, float]) -> float:
        """Evaluate the formula.

        Args:
            numbers: The number behind each of `names`.

        Raises:
            ValueError: if the formula has no value there: a division by zero, a root of a negative number.
        """
        try:
            value = self._evaluate(self._tree(), numbers)
            float(value)  # whole numbers may be too large for anything that is done with them
            return value
        except (ArithmeticError, ValueError, TypeError) as error:
            given = ", ".join(f"{name}={numbers[name]!r}" for name in sorted(self.names))
            why = "it is too large" if isinstance(error, OverflowError) else str(error)
            raise ValueError(
                f"Argument `coupled` must give {self.name} a value, but {self.text!r} has none"
                f"{f' at {given}' if given else ''}: {why}."
            ) from None

    def _tree(self) -> ast.expr:
        if len(self.text) > _LONGEST:
            self._refuse("be arithmetic", self.text)
        try:
            return _parse(self.text)
        except (SyntaxError, ValueError, RecursionError):
            self._refuse("be arithmetic", self.text)

    def _names(self, node: ast.expr, found: set[str]) -> None:
        """Collect the names of a formula, refusing all that is not arithmetic."""
        match node:
            case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
                pass
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                self._names(left, found)
                self._names(right, found)
            case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATORS:
                self._names(operand, found)
            case ast.Call(func=ast.Name(id=called), args=arguments, keywords=[]) if called in _FUNCTIONS:
                for argument in arguments:
                    self._names(argument, found)
            case ast.Name() | ast.Attribute() if _dotted(node):
                if (name := _dotted(node)) not in _CONSTANTS:
                    found.add(name)
            case _:
                known = ", ".join(_FUNCTIONS)
                self._refuse(f"hold numbers, names, + - * / // % ** and {known} only", ast.unparse(node))

    def _evaluate(self, node: ast.expr, numbers: Mapping[str, float]) -> float:
        match node:
            case ast.Constant(value=int() | float() as value):
                return value
            case ast.BinOp(left=left, op=op, right=right):
                first, second = self._evaluate(left, numbers), self._evaluate(right, numbers)
                if isinstance(op, ast.Pow) and isinstance(first, int) and isinstance(second, int):
                    first = float(first)  # whole powers would grow without bound instead of overflowing
                return _real(_OPERATORS[type(op)](first, second))
            case ast.UnaryOp(op=op, operand=operand):
                return _OPERATORS[type(op)](self._evaluate(operand, numbers))
            case ast.Call(func=ast.Name(id=called), args=arguments):
                return _FUNCTIONS[called](*(self._evaluate(argument, numbers) for argument in arguments))
            case _:
                name = _dotted(node)
                return _CONSTANTS[name] if name in _CONSTANTS else numbers[name]

    def _refuse(self, requirement: str, value: object) -> NoReturn:
        raise ValueError(f"Argument `coupled` must {requirement} for {self.name}, but has {value!r}.")


@lru_cache(maxsize=64)
def _parse(text: str) -> ast.expr:
    return ast.parse(text.strip(), mode="eval").body


def _dotted(node: ast.expr) -> str:
    """The name that a node spells, or nothing."""
    if isinstance(node, ast.Name):
        return node.id
    before = _dotted(node.value) if isinstance(node, ast.Attribute) else ""
    return f"{before}.{node.attr}" if isinstance(node, ast.Attribute) and before else ""


def _real(value: float) -> float:
    """Refuse the complex powers of negative numbers."""
    if isinstance(value, complex):
        raise ValueError("the power of a negative number is not real")
    return value
