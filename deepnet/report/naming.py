"""Names as people read them, and the order in which everything is listed."""

from __future__ import annotations

import re

__all__ = [
    "METHODS", "PRETRAINED", "RETRAINED", "method_order", "natural_order", "optimizer_order", "optimizer_words",
    "shadow_words",
]  # fmt: skip

RETRAINED = "retrain"
"""The method that is the reference: trained without the forget set."""

PRETRAINED = "pretrained"
"""The method that does nothing: the model before unlearning."""

METHODS = (
    RETRAINED, PRETRAINED, "finetune", "l1-sparse", "random-label", "salun", "ascent", "neggrad", "retain-sam",
    "sharp-minmax", "scrub", "influence", "selection",
)  # fmt: skip
"""Methods in the order of tables and figures; others follow in the order of the alphabet."""

_FORGET_SETS = ("random", "low", "mid", "high")
_FAMILIES = {"sgd": "SGD", "sam": "SAM", "asam": "ASAM"}


def method_order(method: str) -> tuple[int, str]:
    """What methods are sorted by."""
    return (METHODS.index(method) if method in METHODS else len(METHODS), method)


def natural_order(name: str) -> tuple[int, tuple[tuple[int, str], ...]]:
    """What forget sets are sorted by: those of the field first, and numbers inside a name as numbers.

    Example:
        >>> sorted(["class-10", "high", "class-9", "random"], key=natural_order)
        ['random', 'high', 'class-9', 'class-10']
    """
    parts = tuple((int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name))
    return (_FORGET_SETS.index(name) if name in _FORGET_SETS else len(_FORGET_SETS), parts)


def optimizer_order(label: str) -> tuple[int, float, str]:
    """What optimizers are sorted by: SGD, then SAM, then ASAM, each by its radius.

    Example:
        >>> sorted(["asam-1", "sam-0.1", "sgd", "sam-0.05"], key=optimizer_order)
        ['sgd', 'sam-0.05', 'sam-0.1', 'asam-1']
    """
    family, radius = _parts(label)
    return (list(_FAMILIES).index(family) if family else len(_FAMILIES), float(radius or 0.0), label)


def optimizer_words(label: str) -> str:
    """The label of an optimizer as people read it.

    Example:
        >>> optimizer_words("asam-1"), optimizer_words("sgd")
        ('ASAM ρ=1', 'SGD')
    """
    family, radius = _parts(label)
    name = _FAMILIES[family] if family else label
    return f"{name} ρ={radius}" if radius else name


def shadow_words(drawn: bool) -> str:
    """What an efficacy of the support vector machines is, by whether it has a spread.

    Example:
        >>> shadow_words(drawn=True)
        'mean over random shadow sets'
    """
    if drawn:
        return "mean over random shadow sets"
    return "of one shadow set, the first rows, as in the released code; other rows can give another number"


def _parts(label: str) -> tuple[str, str]:
    """The family of an optimizer and its radius, or two empty strings for what is not known."""
    found = re.fullmatch(r"(sgd)|(a?sam)-([0-9.]+(?:e[+-]?[0-9]+)?)", label)
    if found is None:
        return "", ""
    return (found[1] or found[2]), (found[3] or "")
