"""What two configurations differ in, told in lines that a person can compare."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from simulate.house.words.counting import counted

__all__ = ["differences"]

_WIDTH = 100
"""Most characters that are shown of a value."""


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """One line for each option in which the configuration of a folder and the one asked for differ.

    Args:
        there: Options of the folder, nested as JSON is.
        here: Options asked for.

    Returns:
        The lines; of long lists they tell the lengths and the first entry that differs.

    Example:
        >>> differences({"seeds": [1, 2], "engine": {"name": "numba"}}, {"seeds": [1, 3], "engine": {"name": "numba"}})
        ['  seeds: [1, 2] in the folder, [1, 3] asked for']
    """
    one, other = _flat(there), _flat(here)
    return [
        f"  {name}: {_compared(one.get(name), other.get(name))}"
        for name in {**one, **other}
        if one.get(name) != other.get(name)
    ]


def _flat(value: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested options as one level of dotted names."""
    flat: dict[str, Any] = {}
    for name, inner in value.items():
        flat.update(_flat(inner, f"{before}{name}.") if isinstance(inner, Mapping) else {f"{before}{name}": inner})
    return flat


def _compared(there: Any, here: Any) -> str:
    texts = [_text(value) for value in (there, here)]
    if isinstance(there, list) and isinstance(here, list) and max(map(len, texts)) > _WIDTH:
        return _compared_lists(there, here)
    first, second = _windows(*texts)
    return f"{first} in the folder, {second} asked for"


def _compared_lists(there: list[Any], here: list[Any]) -> str:
    """Lengths of two lists that are too long to be shown, and the first entry in which they differ."""
    pairs = zip(there, here, strict=False)
    place = next((k for k, (one, other) in enumerate(pairs) if one != other), min(len(there), len(here)))
    entries = [_text(values[place]) if place < len(values) else "nothing" for values in (there, here)]
    first, second = _windows(*entries)
    lengths = f"{counted(len(there), 'value')} in the folder, {len(here)} asked for"
    return f"{lengths}; number {place + 1} is {first} in the folder, {second} asked for"


def _text(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False, default=repr)


def _windows(one: str, other: str) -> tuple[str, str]:
    """Two different texts, the long ones cut around the first character in which they differ."""
    place = next((k for k, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return _window(one, place), _window(other, place)


def _window(text: str, place: int) -> str:
    if len(text) <= _WIDTH:
        return text
    first = max(0, min(place - _WIDTH // 2, len(text) - _WIDTH))
    last = first + _WIDTH
    return f"{'… ' if first else ''}{text[first:last]}{' …' if last < len(text) else ''}"
