"""When an unlearning ends before its last epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from deepnet.matched.watched.stops import Stop
from deepnet.metrics.accuracy import Score
from simulate.house import checks, ties

__all__ = ["Patience", "Until", "until_of"]

REFERENCE = "reference"
_WORDS = {
    "forget loss of the reference": {"forget_loss": REFERENCE},
    "forget accuracy of the reference": {"forget_accuracy": REFERENCE},
}


@dataclass(frozen=True, kw_only=True)
class Until:
    """An unlearning ends as soon as one of these holds.

    Example:
        >>> Until(forget_accuracy=0.5, patience=3).needs_reference, Until(forget_loss="reference").needs_reference
        (False, True)
    """

    forget_loss: float | Literal["reference"] | None = None
    """The mean loss on the forget set is at least this, or that of the reference; looked at after each step."""
    forget_accuracy: float | Literal["reference"] | None = None
    """The accuracy on the forget set is at most this, or that of the reference; looked at after each step."""
    patience: int | None = None
    """So many epochs in a row brought no validation loss below the lowest so far; needs `val_set`."""

    def __post_init__(self) -> None:
        """Validate every field, and that one is given."""
        if self.forget_loss not in (None, REFERENCE):
            checks.real("forget_loss", self.forget_loss, nonnegative=True)
        if self.forget_accuracy not in (None, REFERENCE):
            checks.fraction("forget_accuracy", self.forget_accuracy)
        if self.patience is not None:
            checks.integer("patience", self.patience, least=1)
        if self.forget_loss is self.forget_accuracy is self.patience is None:
            raise ValueError(
                "Argument `until` must say when to end, by `forget_loss`, `forget_accuracy` or `patience`."
            )

    @property
    def needs_reference(self) -> bool:
        """Whether a bound is that of the reference."""
        return REFERENCE in (self.forget_loss, self.forget_accuracy)

    @property
    def words(self) -> tuple[str, ...]:
        """What it asks for, in words."""
        loss, accuracy = (_words(rule, getattr(self, f"forget_{rule}")) for rule in ("loss", "accuracy"))
        waits = None if self.patience is None else f"patience of {self.patience}"
        return tuple(word for word in (loss, accuracy, waits) if word is not None)

    def stops(self, reference: Score | None) -> tuple[Stop, ...]:
        """The bounds on loss and accuracy of the forget set, those of the reference filled in."""
        found = []
        bounds: tuple[tuple[Literal["loss", "accuracy"], Any], ...] = (
            ("loss", self.forget_loss), ("accuracy", self.forget_accuracy),
        )  # fmt: skip
        for rule, bound in bounds:
            if words := _words(rule, bound):
                value = getattr(reference, rule) if bound == REFERENCE else bound
                found.append(Stop(name=words, rule=rule, bound=float(value)))
        return tuple(found)


def _words(rule: str, bound: Any) -> str | None:
    """A bound in words; None without one."""
    return None if bound is None else f"forget {rule} {'of the reference' if bound == REFERENCE else f'{bound:g}'}"


def until_of(until: Until | str | None) -> Until | None:
    """A rule from what may be given as `until`: one, its words, or nothing.

    Raises:
        ValueError: if it is none of these.

    Example:
        >>> until_of("forget loss of the reference")
        Until(forget_loss='reference', forget_accuracy=None, patience=None)
    """
    if until is None or isinstance(until, Until):
        return until
    if not isinstance(until, str) or until not in _WORDS:
        words = " or ".join(f'"{word}"' for word in _WORDS)
        checks.fail("until", f"be {words}, or an `Until`", until)
    return Until(**_WORDS[until])  # type: ignore[arg-type]


@dataclass
class Patience:
    """Waits for a lower loss.

    Example:
        >>> patience = Patience(2)
        >>> [patience.is_over(loss) for loss in (1.0, 0.9, 0.95, 0.9)]
        [False, False, False, True]
    """

    epochs: int
    """Epochs in a row without one after which it is over."""
    lowest: float = field(default=float("inf"))
    """The lowest loss so far."""
    waited: int = 0
    """Epochs since then."""

    def is_over(self, loss: float) -> bool:
        """Note the loss after one more epoch; tied with the lowest is not lower."""
        lower = not ties.at_least(loss, self.lowest)
        self.lowest, self.waited = (loss, 0) if lower else (self.lowest, self.waited + 1)
        return self.waited >= self.epochs
