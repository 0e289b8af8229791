"""What the sliders of the trajectory explorer stand for: a problem and the phases of a run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from simulate.dynamics.phases import Phase
from simulate.house import checks
from simulate.interactive.recipes import OWN_STEP, UNLEARNING_STEPS, fit, sam_stage, unlearn
from simulate.problems.problem import Problem
from simulate.problems.scales import with_sam_weights, with_small_weights

__all__ = ["LAST_STEP", "TrajectorySettings"]

SAM_STEPS, PRETRAINING_STEPS = 40, 96
LAST_STEP = PRETRAINING_STEPS + UNLEARNING_STEPS
"""Most steps a run can take."""
GROWTH_ENDS = 10**6
"""Dimension up to which the own-noise step of the SAM stage grows with √d."""


@dataclass(frozen=True, kw_only=True)
class TrajectorySettings:
    """One run through pretraining and unlearning.

    Example:
        >>> settings = TrajectorySettings(d=10**9, signal=80.0, pretraining="SAM")
        >>> [phase.name for phase in settings.phases]
        ['sam', 'fit', 'unlearn']
    """

    d: int = 20_000
    """Dimension of a patch."""
    n: int = 100
    """Number of training samples."""
    signal: float = 4.0
    """Signal strength ‖φ‖."""
    label_flip: float = 0.0
    """Probability that an observed label is wrong, in [0, 1/2)."""
    forget: float = 0.1
    """Fraction of the samples in the forget set."""
    pretraining: Literal["SGD", "SAM"] = "SGD"
    """SGD from small weights, or SAM from its own weights and then SGD, as their theorems ask."""
    optimizer: Literal["SGD", "SAM", "SharpMinMax"] = "SGD"
    """Optimizer of the unlearning."""
    alpha: float = 0.7
    """Weight α of the retain loss in NegGrad."""
    tau: float = 1.0
    """Radius of SAM in units of the one its theorem asks for; see `simulate.interactive.recipes`."""
    stop: float = 0.5
    """Accuracy on the forget set at which unlearning ends."""
    seed: int = 0
    """Seed of the training set, the initial weights and the test directions."""

    def __post_init__(self) -> None:
        """Validate every field, and the fields together.

        Raises:
            ValueError: if a field is out of range or the forget set is empty; the message names the field.
        """
        checks.plain_fields(self)
        checks.choice("pretraining", self.pretraining, ("SGD", "SAM"))
        checks.choice("optimizer", self.optimizer, ("SGD", "SAM", "SharpMinMax"))
        checks.real("tau", self.tau, nonnegative=True)
        checks.fraction("stop", self.stop)
        checks.integer("seed", self.seed, least=0)
        if not 0 < self.problem.n_forget < self.n:
            part = "no sample" if self.problem.n_forget == 0 else "all samples"
            raise ValueError(
                f"Argument `forget` must leave a retain set and a forget set, but {self.forget:g} of {self.n} samples "
                f"means {part}."
            )

    @property
    def problem(self) -> Problem:
        """The problem, at the initial weights that the pretraining's theorem asks for."""
        problem = Problem(d=self.d, n=self.n, signal=self.signal, label_flip=self.label_flip, forget=self.forget)
        return with_small_weights(problem) if self.pretraining == "SGD" else with_sam_weights(problem)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """Pretraining and unlearning."""
        problem = self.problem
        if self.pretraining == "SGD":
            pretraining: tuple[Phase, ...] = (fit(problem, steps=PRETRAINING_STEPS),)
        else:
            growth = math.sqrt(max(1.0, min(self.d, GROWTH_ENDS) / 1000.0))
            stage = sam_stage(problem, steps=SAM_STEPS, tau=self.tau, own_step=OWN_STEP * growth)
            pretraining = stage, fit(problem, steps=PRETRAINING_STEPS - SAM_STEPS)
        last = unlearn(problem, optimizer=self.optimizer, alpha=self.alpha, tau=self.tau, stop=self.stop)
        return *pretraining, last
