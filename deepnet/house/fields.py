"""Checks of fields that hold other configurations or texts, in the words of `simulate.house.checks`."""

from __future__ import annotations

from collections.abc import Sequence

from simulate.house import checks

__all__ = ["distinct", "entries", "of_type"]


def of_type(name: str, value: object, kind: type, *, optional: bool = False) -> None:
    """Require a value of a type, or None where the field is optional.

    Raises:
        ValueError: if it is of another type; the message names the field.
    """
    if not isinstance(value, kind) and not (optional and value is None):
        wanted = f"{kind.__name__} or None" if optional else kind.__name__
        raise ValueError(f"Argument `{name}` must be of the type {wanted}, but is of the type {type(value).__name__}.")


def entries(name: str, values: object, kind: type) -> None:
    """Require a tuple or list whose entries are of a type.

    Raises:
        ValueError: if it is not; the message names the field.
    """
    wanted = f"Argument `{name}` must be a tuple with entries of the type {kind.__name__}"
    if not isinstance(values, tuple | list):
        raise ValueError(f"{wanted}, but is of the type {type(values).__name__}.")
    for value in values:
        if not isinstance(value, kind):
            raise ValueError(f"{wanted}, but has one of the type {type(value).__name__}.")


def distinct(name: str, labels: Sequence[str]) -> None:
    """Require that labels, by which rows of results are told apart, differ.

    Raises:
        ValueError: if two are the same; the message names the field and the label.
    """
    for label in labels:
        if labels.count(label) > 1:
            checks.fail(name, "have entries with labels of their own, which name the rows of results", label)
