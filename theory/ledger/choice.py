"""What an experiment has to choose though its claim leaves it open, as data.

A claim names its choices. One value of each is primary, taken before anything is run, for a reason that stands beside
it; the others are tried by the atlas (`theory.ledger.atlas`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from simulate.house import checks

__all__ = ["Choice", "Protocol", "check_protocol", "label_of"]

_Value = TypeVar("_Value")

Protocol = Mapping[str, Any]
"""A value for some choices, by their names; those it does not name have their primary one."""


@dataclass(frozen=True, kw_only=True)
class Choice(Generic[_Value]):
    """One thing that is left open.

    Example:
        >>> weight = Choice(name="alpha", words="weight α of the retain loss", primary=0.7, others=(0.5, 0.9),
        ...                 reason="The middle of the range in which ascent neither dominates nor stalls.")
        >>> weight.values
        (0.7, 0.5, 0.9)
        >>> weight.of({"alpha": 0.9}), weight.of({})
        (0.9, 0.7)
    """

    name: str
    """A word of letters, digits and underscores."""
    words: str
    """What is chosen, in a few words."""
    primary: _Value
    """The value that the ledger's verdict is about."""
    others: tuple[_Value, ...]
    """Further values that one might as well have taken."""
    reason: str
    """Why the primary one is primary."""
    labels: Mapping[_Value, str] = field(default_factory=dict, hash=False)
    """What values are called in a sentence, where `label_of` would not do."""

    def __post_init__(self) -> None:
        """Validate every field.

        Raises:
            ValueError: if a field is not what it has to be, or two values look alike; the message names it.
        """
        for name in ("name", "words", "reason"):
            if not isinstance(getattr(self, name), str) or not getattr(self, name):
                checks.fail(name, "be a text", getattr(self, name))
        if not self.name.isidentifier():
            checks.fail("name", "be a word of letters, digits and underscores", self.name)
        if not isinstance(self.others, tuple):
            checks.fail("others", "be a tuple", self.others)
        _check_labels(self.labels, self.values)
        told = [self.label(value) for value in self.values]
        if len(set(told)) < len(told):
            checks.fail("others", "differ from each other and from `primary`", told)

    @property
    def values(self) -> tuple[_Value, ...]:
        """All values, the primary one first."""
        return (self.primary, *self.others)

    def of(self, protocol: Protocol) -> _Value:
        """Its value in a protocol."""
        value: _Value = protocol.get(self.name, self.primary)
        return value

    def label(self, value: _Value) -> str:
        """What a value is called."""
        return next((words for known, words in self.labels.items() if known == value), label_of(value))


def _check_labels(labels: object, values: Sequence[Any]) -> None:
    """Require texts for values that there are."""
    if not isinstance(labels, Mapping) or not all(isinstance(words, str) and words for words in labels.values()):
        checks.fail("labels", "be a dict of values and texts", labels)
    for value in labels:
        if value not in values:
            checks.fail("labels", f"name values among {', '.join(map(label_of, values))}", value)


def label_of(value: object) -> str:
    """A value of a choice in a few signs.

    Example:
        >>> label_of(0.05), label_of("retrained loss"), label_of(None)
        ('0.05', 'retrained loss', 'none')
    """
    if value is None:
        return "none"
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def check_protocol(protocol: object, choices: Sequence[Choice[Any]]) -> None:
    """Require values of choices that there are.

    Raises:
        ValueError: if it names a choice that is not among them, or a value that the choice does not have.
    """
    if not isinstance(protocol, Mapping):
        checks.fail("protocol", "be a dict of choices and values", protocol)
    known = {choice.name: choice for choice in choices}
    for name, value in protocol.items():
        if name not in known:
            checks.fail("protocol", f"name choices among {', '.join(known) or 'none'}", name)
        if value not in known[name].values:
            told = ", ".join(map(known[name].label, known[name].values))
            checks.fail("protocol", f"give {name} one of {told}", value)
