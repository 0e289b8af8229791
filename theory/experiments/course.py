"""The course of a training as a laboratory's protocol has it: problem, initial weights, pretraining, unlearning."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from simulate import SAM, SGD, Phase, Problem
from simulate.dynamics.objectives import Objective
from simulate.dynamics.optimizers import Optimizer
from simulate.problems.scales import sam_radius
from theory.experiments import choices
from theory.experiments.lab import Lab
from theory.experiments.protocols import Pretraining, has_forgotten, initialised, matched, pretrain, unlearn

__all__ = ["STANDARD", "Course"]

STANDARD = Problem(d=2000, n=20, m=10, signal=7.9, label_flip=0.1, forget=0.2)
"""One problem at which SGD is benign before unlearning, 2.5 times the boundary, inside every hypothesis."""

_PATCHES: dict[str, tuple[int, dict[str, Any]]] = {
    "one": (1, {}),
    "two copied": (2, {"patches": "copied"}),
    "two independent": (2, {"patches": "independent"}),
}
"""Noise patches in the place of each one of a problem, and how they are drawn."""


@dataclass(frozen=True)
class Course:
    """What every experiment on unlearning asks its laboratory for.

    Example:
        >>> from simulate import NegGrad
        >>> course = Course(Lab(protocol={"alpha": 0.9}))
        >>> problem = course.problem(STANDARD, "SGD")
        >>> before = course.pretrain(problem, "SGD")
        >>> [phase.name for phase in course.unlearn(problem, before, NegGrad(alpha=course.alpha), SGD())]
        ['reference_fit', 'fit', 'unlearn']
    """

    lab: Lab
    """The laboratory."""

    @property
    def alpha(self) -> float:
        """Weight of the retain loss."""
        return self.lab.pick(choices.ALPHA)

    @property
    def loss(self) -> float:
        """Loss at which training ends."""
        return self.lab.pick(choices.PRETRAINED)

    @property
    def standard(self) -> Problem:
        """The standard problem at the protocol's dimension, as far above the boundary."""
        d = self.lab.pick(choices.DIMENSION)
        return replace(STANDARD, d=d, signal=STANDARD.signal * (d / STANDARD.d) ** 0.25)

    def sized(self, base: Problem) -> Problem:
        """A problem with the label noise, filters, patches and noise law of the protocol.

        More patches scale the signal with the noise; a problem of several has as many times more.
        """
        times, drawn = _PATCHES[self.lab.pick(choices.PATCHES)]
        return replace(
            base,
            **drawn,
            P=1 + times * (base.P - 1),
            signal=base.signal * times,
            label_flip=self.lab.pick(choices.FLIP),
            m=self.lab.pick(choices.FILTERS),
            noise=self.lab.pick(choices.LAW),  # type: ignore[arg-type]
        )

    def problem(self, base: Problem, optimizer: Pretraining) -> Problem:
        """The same with a forget set and initial weights."""
        sized = replace(self.sized(base), forget=self.lab.pick(choices.FORGET))
        return initialised(sized, optimizer, self.lab.pick(choices.WEIGHTS))

    def pretrain(self, problem: Problem, optimizer: Pretraining) -> tuple[Phase, ...]:
        """The phases of pretraining."""
        step, batch = self.lab.pick(choices.STEP), self.lab.pick(choices.BATCH)
        return pretrain(problem, optimizer, loss=self.loss, step=step, batch=batch)

    def optimizer(self, problem: Problem, name: Pretraining) -> Optimizer:
        """SGD, or SAM at the protocol's radius, for unlearning."""
        return SGD() if name == "SGD" else SAM(tau=self.radius(problem))

    def radius(self, problem: Problem) -> float:
        """SAM's radius while unlearning."""
        return self.lab.pick(choices.RADIUS) * sam_radius(problem, self.lab.pick(choices.BATCH))

    def unlearn(
        self, problem: Problem, before: tuple[Phase, ...], objective: Objective, optimizer: Optimizer,
        steps: int = 4000, stop: choices.Stop | None = None,
    ) -> tuple[Phase, ...]:  # fmt: skip
        """All phases up to the end of unlearning, which is the protocol's unless another is given."""
        batched = replace(optimizer, batch=self.lab.pick(choices.BATCH))
        last = unlearn(problem, objective, batched, steps=steps, step=self.lab.pick(choices.STEP))
        return matched(before, last, self.lab.pick(choices.STOP) if stop is None else stop)

    def forgotten(self, data: Any) -> Any:
        """Whether each run ended as the protocol's reading of "forgotten" says."""
        return has_forgotten(data, self.lab.pick(choices.STOP))
