"""Checks of arguments at the public doors: one sentence naming the argument, what it must be, what it is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from numbers import Integral, Real
from typing import Any, NoReturn, TypeGuard

import numpy as np

__all__ = [
    "boolean",
    "choice",
    "finite",
    "fraction",
    "integer",
    "listed",
    "number",
    "number_array",
    "plain_fields",
    "plain_number",
    "real",
    "real_array",
    "shape",
    "shortened",
    "signs",
]

_LONG = 100
"""Signs of a word beyond which nothing is like it."""
_SHOWN = 500
"""Signs of a value that a message shows at most."""


def fail(name: str, requirement: str, value: object, *, hint: str = "") -> NoReturn:
    """Raise the error every check raises; a hint says what was probably meant.

    Raises:
        ValueError: always.
    """
    raise ValueError(f"Argument `{name}` must {requirement}, but is {_shown(value)}{f'; {hint}' if hint else '.'}")


def _shown(value: object) -> str:
    """A value as Python writes it, in one line; in words what it does not write, numbers of thousands of digits."""
    try:
        first, *more = repr(value).split("\n")
    except ValueError:
        return "a number of more digits than are written"
    return f"{shortened(first)} …" if more else shortened(first)


def shortened(text: str) -> str:
    """A text that a message quotes, without its middle where it is long.

    Example:
        >>> shortened("short"), len(shortened("long" * 1000))
        ('short', 500)
    """
    half = _SHOWN // 2
    return text if len(text) <= _SHOWN else f"{text[: half - 2]} … {text[1 - half :]}"


def integer(name: str, value: object, *, least: int, most: int | None = None) -> None:
    """Require a whole number not below `least`, nor above `most`."""
    if isinstance(value, bool) or not isinstance(value, int | Integral) or int(value) < least:
        fail(name, f"be a whole number of at least {least}", value)
    if most is not None and int(value) > most:
        fail(name, f"be a whole number of at most {most}", value)


def listed(name: str, requirement: str, values: Any) -> list[Any]:
    """Require something with entries that is no text and no dict, and return them."""
    if isinstance(values, str | bytes | Mapping):
        fail(name, requirement, values)
    try:
        return list(values)
    except TypeError:  # arrays without a dimension claim to be iterable
        fail(name, requirement, values)


def real(name: str, value: object, *, positive: bool = False, nonnegative: bool = False) -> None:
    """Require a finite real number, optionally > 0 or >= 0."""
    kind = "a positive number" if positive else "a number of at least 0" if nonnegative else "a finite number"
    if not _is_real(value) or not _is_finite(value):
        fail(name, f"be {kind}", value)
    if (positive and value <= 0) or (nonnegative and value < 0):
        fail(name, f"be {kind}", value)


def number(name: str, value: object) -> None:
    """Require a real number, which may be NaN or infinite."""
    known = isinstance(value, float | np.floating | np.integer)
    if not known and (isinstance(value, bool) or not isinstance(value, int) or not _is_finite(value)):
        fail(name, "be a number", value)


def fraction(name: str, value: object, *, below: float | None = None) -> None:
    """Require a number in [0, 1], or in [0, below)."""
    interval = "[0, 1]" if below is None else f"[0, {below:g})"
    if not _is_real(value) or not 0 <= value <= 1:
        fail(name, f"lie in {interval}", value)
    if below is not None and value >= below:
        fail(name, f"lie in {interval}", value)


def _is_real(value: object) -> TypeGuard[float]:
    return isinstance(value, float | int | Real) and not isinstance(value, bool)  # the first two are found at once


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond all floats
        return False


def boolean(name: str, value: object) -> None:
    """Require True or False."""
    if not isinstance(value, bool | np.bool_):
        fail(name, "be True or False", value)


def choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Require one of the given words; where another is much like one of them, that is asked for."""
    if not isinstance(value, str) or value not in choices:
        close = _alike(value, choices) if isinstance(value, str) else ""
        hint = f'did you mean "{close}"?' if close else ""
        fail(name, "be one of " + ", ".join(f'"{word}"' for word in choices), value, hint=hint)


def _alike(word: str, choices: Sequence[str]) -> str:
    """The choice that was probably meant, whatever its capitals and hyphens; or nothing."""
    plain = {each.lower().replace("_", "-"): each for each in choices}
    close = get_close_matches(word[:_LONG].lower().replace("_", "-"), plain, n=1, cutoff=0.75)
    return plain[close[0]] if close else ""


def plain_number(value: Any) -> bool | int | float:
    """The number of Python for one that passes these checks and is of another kind, such as NumPy's."""
    if isinstance(value, np.bool_):
        return bool(value)
    return int(value) if isinstance(value, Integral) else float(value)


def plain_fields(holder: object) -> None:
    """Put Python's own numbers into a frozen dataclass where others are.

    They are written the same in texts and in JSON, and do not overflow in eight bits.
    """
    for name, value in list(vars(holder).items()):
        if isinstance(value, np.bool_ | np.integer | np.floating) or (
            not isinstance(value, int | float) and _is_real(value) and _is_finite(value)
        ):
            object.__setattr__(holder, name, plain_number(value))


def finite(name: str, array: np.ndarray) -> None:
    """Require an array without NaN or infinity."""
    bad = np.size(array) - np.count_nonzero(np.isfinite(array))
    if bad:
        raise ValueError(f"Argument `{name}` must be finite, but has {bad} entries that are NaN or infinite.")


def real_array(name: str, values: object) -> np.ndarray:
    """Require an array of finite real numbers, and return it as a new array of float64."""
    array = number_array(name, values)
    finite(name, array)
    return array


def number_array(name: str, values: object) -> np.ndarray:
    """Require an array of real numbers, NaN and infinity among them, and return it as a new array of float64."""
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "biufO" or (array.dtype.kind == "O" and _holds_text(array)):
            raise TypeError
        with np.errstate(over="ignore"):  # what is beyond float64 becomes infinite, and is refused as such
            array = np.array(array, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"Argument `{name}` must be an array of real numbers, but is not.") from None
    return array


def _holds_text(array: np.ndarray) -> bool:
    return any(isinstance(value, str | bytes) for value in array.flat)


def shape(name: str, array: np.ndarray, expected: tuple[int | str, ...]) -> None:
    """Require an array shape; words in `expected` stand for any size of at least one."""
    actual = np.shape(array)
    fits = len(actual) == len(expected) and all(
        size >= 1 if isinstance(want, str) else size == want for size, want in zip(actual, expected, strict=True)
    )
    if not fits:
        wanted = "(" + ", ".join(map(str, expected)) + ("," if len(expected) == 1 else "") + ")"
        raise ValueError(f"Argument `{name}` must have shape {wanted}, but has shape {actual}.")


def signs(name: str, array: np.ndarray) -> None:
    """Require labels that are all +1 or -1."""
    values = np.unique(array)
    if not np.isin(values, (-1, 1)).all():
        fail(name, "hold labels of +1 and -1 only", values[:5].tolist())
