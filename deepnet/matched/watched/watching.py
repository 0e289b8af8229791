"""Watch an unlearning: its trajectory, the stops it passes, and its weights at each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from deepnet.learning.loop import DivergenceError
from deepnet.matched.watched.looking import SETS, Sets, look_at
from deepnet.matched.watched.stops import Passed
from deepnet.matched.watched.trajectory import Trajectory
from deepnet.metrics.outputs import NotFiniteError
from deepnet.networks.precision import Precision

__all__ = ["StepWatcher"]


@dataclass
class StepWatcher:
    """Notes what a model does on its sets, and ends the training once every stop is passed.

    The forget set is looked at after every step; the others every `every` steps, and wherever a stop is passed.
    """

    model: nn.Module
    """The model, which is being trained."""
    probe: Sets
    """What it is looked at on."""
    passed: Passed
    """The stops, and those that have been passed."""
    snapshot: Callable[[int], None]
    """Keeps the weights, told the step; called once for each step at which some stop is passed."""
    every: int = 1
    """Steps between two looks at the retain, validation and test images."""
    precision: Precision = "float32"
    """Number format of the products."""
    trajectory: Trajectory = field(default_factory=Trajectory)
    """What has been seen."""

    def look(self, step: int, epochs: int) -> bool:
        """Look at the model after so many steps; True once every stop is passed.

        Raises:
            DivergenceError: if a logit is no longer finite.
        """
        try:
            forget = look_at(self.model, self.probe.by_name["forget"], self.precision)
            fresh = self.passed.note(step, loss=forget.loss, accuracy=forget.accuracy, epochs=epochs)
            seen = SETS if fresh or step % self.every == 0 else ()
            others = {
                name: look_at(self.model, self.probe.by_name[name], self.precision) for name in seen if name != "forget"
            }
        except NotFiniteError as error:
            raise DivergenceError(f"What the model says is no longer finite after step {step}.") from error
        self.trajectory.note(step, others | {"forget": forget})
        if fresh:
            self.snapshot(step)
        return self.passed.all

    def noted(self) -> dict[str, Any]:
        """The trajectory and the stops so far, exact."""
        return {"rows": self.trajectory.rows, "passed": self.passed.steps}

    def take_up(self, noted: Any) -> None:
        """Take up what was noted before an interruption."""
        self.trajectory.rows = [list(row) for row in noted["rows"]]
        self.passed.steps = dict(noted["passed"])
