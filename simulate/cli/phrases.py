"""Phases as text: the Python expression a user would write, read without evaluating it."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import MISSING, Field, fields
from typing import Any, NoReturn

from simulate.dynamics.objectives import OBJECTIVES, Objective
from simulate.dynamics.optimizers import OPTIMIZERS, Optimizer
from simulate.dynamics.phases import Phase
from simulate.house import checks
from simulate.house.command_line.options import field_texts

__all__ = [
    "VOCABULARY",
    "describe_vocabulary",
    "parse_part",
    "parse_phase",
    "places_of_options",
    "vocabulary_in_brief",
]

VOCABULARY: dict[str, Any] = {**OBJECTIVES, **OPTIMIZERS}
"""The objectives and optimizers a phase's text may name."""


def parse_phase(text: str) -> Phase:
    """Read a phase from the arguments of `Phase(…)`.

    Args:
        text: Name, objective, optimizer and options, e.g. "unlearn, NegGrad(alpha=0.7), SAM(tau=0.03), steps=300".

    Returns:
        The phase.

    Raises:
        ValueError: saying what of the text is not understood.

    Example:
        >>> parse_phase("pretrain, Loss(), SGD(lr=0.01), steps=10").steps
        10
        >>> parse_phase("pretrain, Loss(), SDG(lr=0.01)")
        Traceback (most recent call last):
        ...
        ValueError: Argument `phases` must use BoundedNegGrad, ..., SharpMinMax, but has "SDG".
    """
    if not isinstance(text, str):
        checks.fail("phases", f'read like "{_EXAMPLE}"', text)
    name, comma, rest = text.partition(",")
    if not comma:
        _refuse(text, _EXAMPLE)
    try:
        call = ast.parse(f"Phase({rest})", mode="eval").body
    except _UNREADABLE as error:
        _refuse(text, _EXAMPLE, error)
    if not isinstance(call, ast.Call) or ast.unparse(call.func) != "Phase":
        _refuse(text, _EXAMPLE)
    positional = [_value(argument) for argument in call.args]
    return _construct(Phase, [name.strip().strip("\"'"), *positional], call.keywords)


def parse_part(text: str) -> Objective | Optimizer:
    """Read one objective or optimizer, e.g. "SAM(lr=0.01, tau=0.03)".

    Raises:
        ValueError: saying what of the text is not understood.
    """
    try:
        call = ast.parse(text.strip(), mode="eval").body
    except _UNREADABLE as error:
        _refuse(text, "SGD(lr=0.01)", error)
    if not isinstance(call, ast.Call):
        _refuse(text, "SGD(lr=0.01)")
    part: Any = _value(call)
    return part


_EXAMPLE = "unlearn, NegGrad(alpha=0.7), SAM(lr=0.01, tau=0.03), steps=300"
_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
"""What Python raises for a text that is none: ValueError for null bytes, before Python 3.11.4; the last two for what is
nested too deeply."""


def _refuse(text: str, example: str, error: Exception | None = None) -> NoReturn:
    because = f" ({checks.shortened(str(error))})" if error else ""
    found = f'"{checks.shortened(text)}"{because}'
    raise ValueError(f'Argument `phases` must read like "{example}", but is {found}.') from None


def _value(node: ast.expr) -> object:
    """A literal, or one of the vocabulary with literal arguments."""
    if isinstance(node, ast.Call):
        name = ast.unparse(node.func)
        if name not in VOCABULARY:
            known = ", ".join(VOCABULARY)
            raise ValueError(f'Argument `phases` must use {known}, but has "{checks.shortened(name)}".')
        return _construct(VOCABULARY[name], [_value(argument) for argument in node.args], node.keywords)
    if isinstance(node, ast.Name) and node.id in VOCABULARY:
        raise ValueError(f"Argument `phases` must have brackets behind a name, {node.id}(), but has {node.id} alone.")
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError):
        raise ValueError(f'Argument `phases` must hold plain values, but has "{_unparsed(node)}".') from None


def _unparsed(node: ast.expr) -> str:
    """The text of a node; what is nested too deeply for Python has none."""
    try:
        return checks.shortened(ast.unparse(node))
    except RecursionError:
        return "brackets or signs without end"


def _construct(cls: Any, positional: list[object], keywords: list[ast.keyword]) -> Any:
    known = [option.name for option in _options(cls)]
    if positional and cls is not Phase:
        value = checks.shortened(repr(positional[0]))
        usual = f"{cls.__name__}({known[0]}={value})" if known else f"{cls.__name__}()"
        raise ValueError(f"Argument `phases` must name each option of {cls.__name__}, as in {usual}.")
    given = [keyword.arg for keyword in keywords]
    if len(set(given)) < len(given):
        repeated = checks.shortened(str(given))
        raise ValueError(f"Argument `phases` must give each option of {cls.__name__} once, but has {repeated}.")
    for keyword in keywords:
        if keyword.arg not in known:
            options, shown = f"{cls.__name__} ({', '.join(known)})", checks.shortened(str(keyword.arg))
            raise ValueError(f"Argument `phases` must use the options of {options}, not {shown!r}.")
    try:
        return cls(*positional, **{str(keyword.arg): _value(keyword.value) for keyword in keywords})
    except TypeError as error:
        raise ValueError(f"Argument `phases` must fit {cls.__name__}, but does not: {error}.") from None


def _options(cls: Any) -> list[Field[Any]]:
    """What can be given, as it is written."""
    by_name = {field.name: field for field in fields(cls)}
    return [by_name[name] for name in cls.options()] if issubclass(cls, Optimizer) else list(by_name.values())


def describe_vocabulary() -> str:
    """Every objective and optimizer with its options, for a help page; the text is that of the classes."""
    return "\n\n".join(_describe(cls) for cls in (Phase, *VOCABULARY.values()))


def _describe(cls: type) -> str:
    summary = (cls.__doc__ or "").splitlines()[0]
    texts = field_texts(cls)
    lines = [f"{cls.__name__}: {summary}"]
    for option in _options(cls):
        default = "" if option.default is MISSING else f" (default {option.default!r})"
        lines.append(f"  {option.name}: {texts.get(option.name, '')}{default}")
    return "\n".join(lines)


def vocabulary_in_brief() -> str:
    """Every objective and optimizer with the names of its options; once those that all optimizers have."""
    shared = [option.name for option in fields(Optimizer) if option.name in Optimizer.rarer]
    lines = (
        "Phases (--help-all tells what each option is):",
        f"  Objectives: {_in_a_row(OBJECTIVES.values())}",
        f"  Optimizers: {_in_a_row(OPTIMIZERS.values())}",
        f"  Every optimizer: {', '.join(shared)}",
    )
    return "\n".join(lines)


def _in_a_row(classes: Iterable[type]) -> str:
    told = {cls: [each.name for each in _options(cls) if each.name not in Optimizer.rarer] for cls in classes}
    return ", ".join(f"{cls.__name__}({', '.join(names)})" for cls, names in told.items())


def places_of_options() -> dict[str, str]:
    """Where in a phase each option is said, since people look for it among those of the command.

    Example:
        >>> places_of_options()["alpha"], places_of_options()["steps"]
        ('within a phase, as in NegGrad(alpha=…)', 'within a phase, as in steps=…')
    """
    found = {option.name: f"within a phase, as in {option.name}=…" for option in _options(Phase)}
    for cls in sorted(VOCABULARY.values(), key=lambda cls: -len(cls.__name__)):  # the plainest last, which stays
        found |= {option.name: f"within a phase, as in {cls.__name__}({option.name}=…)" for option in _options(cls)}
    return found
