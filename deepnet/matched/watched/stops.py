"""Where a training is stopped: the first step that satisfies a rule; one training serves all rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from simulate.house import checks, ties

__all__ = ["Passed", "Rule", "Stop"]

Rule = Literal["loss", "accuracy", "epochs"]
"""What decides: the mean loss on the forget set, the accuracy on it, or the number of whole epochs."""


@dataclass(frozen=True, kw_only=True)
class Stop:
    """A stopping rule.

    Example:
        >>> stop = Stop(name="loss", rule="loss", bound=0.3)
        >>> [stop.holds(loss=loss, accuracy=1.0, epochs=0) for loss in (0.2, 0.1 + 0.2, 0.4)]
        [False, True, True]
    """

    name: str
    """Name of the stop in rows of results."""
    rule: Rule
    """What decides."""
    bound: float
    """The least loss, the largest accuracy or the least number of epochs at which it holds; tied numbers included."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.choice("rule", self.rule, get_args(Rule))
        checks.real("bound", self.bound, nonnegative=True)

    def holds(self, *, loss: float, accuracy: float, epochs: int) -> bool:
        """Whether the rule holds with this loss and accuracy on the forget set, after so many whole epochs."""
        if self.rule == "loss":
            return bool(ties.at_least(loss, self.bound))
        if self.rule == "accuracy":
            return bool(ties.at_most(accuracy, self.bound))
        return epochs >= self.bound


@dataclass
class Passed:
    """Which of some stops a training has passed, and after which step each.

    Example:
        >>> passed = Passed((Stop(name="loss", rule="loss", bound=1.0), Stop(name="epoch-1", rule="epochs", bound=1)))
        >>> for step, loss in enumerate([0.1, 1.5, 0.5, 2.0]):
        ...     fresh = passed.note(step, loss=loss, accuracy=1.0, epochs=step // 3)
        >>> passed.steps, passed.all
        ({'loss': 1, 'epoch-1': 3}, True)
    """

    stops: tuple[Stop, ...]
    """The stops."""
    steps: dict[str, int] = field(default_factory=dict)
    """The first step at which each held, by its name; a stop that never held is not in it."""

    def note(self, step: int, *, loss: float, accuracy: float, epochs: int) -> list[str]:
        """Look at one more step; returns the names of the stops that it is the first to satisfy."""
        fresh = [
            stop.name
            for stop in self.stops
            if stop.name not in self.steps and stop.holds(loss=loss, accuracy=accuracy, epochs=epochs)
        ]
        self.steps |= dict.fromkeys(fresh, step)
        return fresh

    @property
    def all(self) -> bool:
        """Whether every stop has been passed."""
        return len(self.steps) == len(self.stops)
