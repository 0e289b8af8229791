"""What every engine holds and does, and the loop the two step-by-step engines share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from simulate.dynamics.plan import Plan, StopRules
from simulate.dynamics.state import State, Status
from simulate.dynamics.step import damping, descend, forget_saliency, logistic_loss, network_output
from simulate.dynamics.updates import Update
from simulate.house import ties
from simulate.problems.instance import Instance

__all__ = ["Engine", "StepwiseEngine"]


class Engine(ABC):
    """Trajectories of equal shape (n, m, patches), advanced together.

    Attributes:
        instances: The instances, one a trajectory.
        plans: The compiled phase each trajectory is in.
        coefficients: c, (T, 2, m, 1 + n patches).
        preactivations: ⟨w_jr, s_k⟩, same shape.
        initial_shares: How much of each initial filter is left, (T, 2, m): 1 but for weight decay.
        velocities: Velocity of what moves, by name, in phases that have momentum or the like, one a trajectory.
        references: log p₀ of the forget set's labels when the phase began, (n,), NaN for other samples, one a
            trajectory; None in phases that do not damp what is forgotten.
        steps: Steps taken in the current phase, (T,).
        status: How the current phase ended, or None while it runs, one a trajectory.
        forget_parts: Filters of the forget part, (2, m) of bool, or None, one a trajectory.
        forget_losses: Mean loss on the forget set at the end of each phase by its name, one a trajectory.
        left: Where a trajectory that went aside was before, by attribute, or None, one a trajectory.
    """

    _closest: np.ndarray
    """What `closest` is taken from, one or a row of numbers a trajectory."""

    def __init__(self, instances: Sequence[Instance]) -> None:
        self.instances = list(instances)
        self.coefficients = np.stack([np.zeros_like(instance.geometry.start) for instance in instances])
        self.preactivations = np.stack([instance.geometry.start for instance in instances])
        self.initial_shares = np.ones(self.coefficients.shape[:3])
        self.velocities: list[dict[str, np.ndarray]] = [{} for _ in instances]
        self.references: list[np.ndarray | None] = [None] * len(instances)
        self.steps = np.zeros(len(instances), dtype=np.int64)
        self.status: list[Status | None] = [None] * len(instances)
        self.forget_parts: list[np.ndarray | None] = [None] * len(instances)
        self.plans: list[Plan] = []
        self.forget_losses: list[dict[str, float]] = [{} for _ in instances]
        self.left: list[dict[str, np.ndarray] | None] = [None] * len(instances)

    def restore(self, number: int, state: State) -> None:
        """Put trajectory `number` where a state stands."""
        self.coefficients[number] = state.coefficients
        self.preactivations[number] = state.preactivations
        self.initial_shares[number] = 1.0 if state.initial_share is None else state.initial_share
        self.velocities[number] = {name: array.copy() for name, array in (state.velocity or {}).items()}
        self.references[number] = state.reference
        self.steps[number] = state.steps
        self.forget_parts[number] = state.forget_part
        self.forget_losses[number] = dict(state.forget_losses)
        self.left[number] = state.left

    def weights(self, number: int) -> np.ndarray | None:
        """The weights (2, m, D) of a trajectory, if the engine keeps them."""
        return None

    def forget_coordinates(self, number: int) -> np.ndarray | None:
        """The coordinates (2, m, D) of the forget part of a trajectory, if the phase partitions them."""
        return None

    def begin(self, plans: Sequence[Plan], *, resume: bool = False) -> None:
        """Enter a phase; `resume` keeps the steps already taken in it and the partition of the network."""
        self.plans = [plan.stopping_at(losses) for plan, losses in zip(plans, self.forget_losses, strict=True)]
        for number, plan in enumerate(self.plans):
            self.refuse(plan, self.instances[number])
            self.status[number] = None
            if not resume:
                self._go_aside(number) if plan.phase.aside else self._come_back(number)
                self.steps[number] = 0
                self.velocities[number] = {}
                self.references[number] = self._reference(number, plan)
                self.forget_parts[number] = self._forget_part(number, plan)

    def follow(self, leaders: Sequence[int]) -> None:
        """Spare trajectories the steps of this phase that another takes for them; see `catch_up`.

        Args:
            leaders: For each trajectory the one whose training has been, and will be in this phase, the same; its own
                number if there is no other.
        """
        for number, leader in enumerate(leaders):
            if leader != number:
                self.status[number] = Status.CONVERGED  # who has ended takes no step

    def catch_up(self, leaders: Sequence[int]) -> None:
        """Put trajectories that followed another where it is now."""
        for number, leader in enumerate(leaders):
            if leader != number:
                self.put(number, self.place(leader))
                self.steps[number], self.status[number] = self.steps[leader], self.status[leader]
                self._closest[number] = self._closest[leader]

    def end(self, noted: Collection[str] | None = None) -> None:
        """Leave the phase: its losses on the forget set are noted.

        Args:
            noted: Names of the phases whose losses are wanted; None is all of them.
        """
        for number, (plan, instance) in enumerate(zip(self.plans, self.instances, strict=True)):
            if instance.forget.any() and (noted is None or plan.phase.name in noted):
                output = network_output(instance, self.preactivations[number])
                loss = logistic_loss(instance.y * output)[instance.forget].mean()
                self.forget_losses[number][plan.phase.name] = float(loss)

    def finish(self) -> None:
        """Leave the last phase: who went aside is back where it was."""
        for number in range(len(self.instances)):
            self._come_back(number)

    def _go_aside(self, number: int) -> None:
        """Start from the initial weights, unless a phase aside has just done so: phases in a row are one training."""
        if self.left[number] is None:
            self.left[number] = self.place(number)
            self.put(number, self.initial_place(number))

    def _come_back(self, number: int) -> None:
        """Put a trajectory that went aside where it was before."""
        before = self.left[number]
        if before is not None:
            self.put(number, before)
            self.left[number] = None

    def place(self, number: int) -> dict[str, np.ndarray]:
        """Where trajectory `number` is: copies of what moves, by attribute."""
        return {
            "coefficients": self.coefficients[number].copy(), "preactivations": self.preactivations[number].copy(),
            "initial_share": self.initial_shares[number].copy(),
        }  # fmt: skip

    def initial_place(self, number: int) -> dict[str, np.ndarray]:
        """Where trajectory `number` began."""
        start = self.instances[number].geometry.start
        return {
            "coefficients": np.zeros_like(start), "preactivations": start, "initial_share": np.ones(start.shape[:2])
        }  # fmt: skip

    def put(self, number: int, place: dict[str, np.ndarray]) -> None:
        """Move trajectory `number` to a place."""
        self.coefficients[number] = place["coefficients"]
        self.preactivations[number] = place["preactivations"]
        self.initial_shares[number] = place.get("initial_share", 1.0)

    def refuse(self, plan: Plan, instance: Instance) -> None:
        """Raise ValueError for what this engine cannot honour; coefficient engines see filters, not coordinates."""
        if any(update.adaptive for update in plan.updates):
            raise ValueError(f"Argument `adaptive` must be False for this engine, but is True. {_NOT_INVARIANT}")
        if plan.partition is not None and plan.partition.by_coordinate:
            raise ValueError(
                f'Argument `partition` must be "filter" for this engine, but is "coordinate". {_NOT_INVARIANT}'
            )

    def moves(self, number: int, update: Update) -> np.ndarray:
        """Filters an update moves, (2, m) of bool."""
        part = self.forget_parts[number]
        if update.part == "all" or part is None:
            return np.ones(self.coefficients.shape[1:3], dtype=bool)
        return part if update.part == "forget" else ~part

    @abstractmethod
    def advance(self, until: int | np.ndarray) -> None:
        """Advance every running trajectory to step `until` (one for all, or (T,)) of its phase, or its own stop."""

    @abstractmethod
    def closest(self, number: int) -> float:
        """Smallest |pre-activation| at which trajectory `number` has taken a gradient so far; ∞ without a kink."""

    def _reference(self, number: int, plan: Plan) -> np.ndarray | None:
        """How probable the labels of the forget set are, before they are forgotten."""
        if plan.bound == 0.0:
            return None
        instance = self.instances[number]
        output = network_output(instance, self.preactivations[number])
        return np.where(instance.forget, -logistic_loss(plan.target * output), np.nan)

    def _forget_part(self, number: int, plan: Plan) -> np.ndarray | None:
        if plan.partition is None or plan.partition.by_coordinate:
            return None
        saliency = forget_saliency(self.instances[number], self.preactivations[number])
        return largest(saliency if plan.partition.largest else -saliency, plan.partition.fraction)


_NOT_INVARIANT = 'It depends on the coordinates of R^d: use engine="dense" with data kept in R^d (space="ambient").'


def largest(scores: np.ndarray, fraction: float) -> np.ndarray:
    """Mark the given fraction of the entries with the largest scores; of tied ones the first are taken."""
    return ties.mark_largest(scores, round(fraction * scores.size))


class StepwiseEngine(Engine):
    """Engines that take one step of one trajectory at a time, in Python."""

    def __init__(self, instances: Sequence[Instance]) -> None:
        super().__init__(instances)
        self._closest = np.full(len(self.instances), np.inf)

    def restore(self, number: int, state: State) -> None:
        """See `Engine.restore`; pre-activations are worked out anew, and so have no velocity of their own."""
        super().restore(number, state)
        self.velocities[number].pop("preactivations", None)

    def advance(self, until: int | np.ndarray) -> None:
        """Advance trajectory after trajectory; see `Engine.advance`."""
        ends = np.broadcast_to(until, len(self.plans))
        for number, (plan, end) in enumerate(zip(self.plans, ends, strict=True)):
            if self.status[number] is None:
                self._advance(number, plan, int(end))

    def closest(self, number: int) -> float:
        """See `Engine.closest`."""
        return float(self._closest[number])

    def _damped(self, number: int, target: np.ndarray) -> Callable[[np.ndarray], np.ndarray | float]:
        """What the slopes of a trajectory at some outputs are multiplied by."""
        bound, reference = self.plans[number].bound, self.references[number]
        return lambda output: damping(bound, reference, target, output)

    @abstractmethod
    def direction(
        self, number: int, update: Update, target: np.ndarray, present: np.ndarray
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """Coefficients of the direction of an update, and the pre-activations at which gradients were taken."""

    @abstractmethod
    def move(self, number: int, update: Update, b: np.ndarray, lr: float) -> None:
        """Move along the direction with coefficients b by the step size."""

    def _descend(
        self, number: int, lr: float, norm: float, moves: Mapping[str, np.ndarray], directions: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Move what has directions, and its velocity; see `simulate.dynamics.step.descend`."""
        place, velocity = self.place(number), self.velocities[number]
        for name in directions:
            velocity.setdefault(name, np.zeros_like(place[name]))
        moving = {name: place[name] for name in directions}
        after = descend(self.plans[number].descent, lr, norm, moving, moves, directions, velocity)
        self.coefficients[number] = after["coefficients"]
        self.initial_shares[number] = after["initial_share"]
        return after

    def _advance(self, number: int, plan: Plan, until: int) -> None:
        instance, first = self.instances[number], int(self.steps[number])
        if first > until:
            return
        present = plan.batches.present(first, until) if until > first else None
        rates, turned = plan.rates(first, until), plan.turns.turned(first, until)
        while True:
            step = int(self.steps[number])
            output = network_output(instance, self.preactivations[number])
            if not np.isfinite(output).all():
                self.status[number] = Status.NONFINITE
            elif step % plan.stop.every == 0 and rule_met(plan.stop, plan, instance, output):
                self.status[number] = Status.CONVERGED
            if self.status[number] is not None or step >= until or present is None:
                return
            seen, rate, turns = (rows[(step - first) % len(rows)] for rows in (present, rates, turned))
            self._step(number, plan, np.where(turns, -plan.target, plan.target), seen, rate)
            self.steps[number] = step + 1

    def _step(self, number: int, plan: Plan, target: np.ndarray, present: np.ndarray, rate: float) -> None:
        """Take one step: updates that gather add their directions to that of the next one."""
        gathered: Any = 0.0
        for update in plan.updates:
            with np.errstate(over="ignore", invalid="ignore"):
                b, visited = self.direction(number, update, target, present)
                gathered = gathered + b
                if not update.gathers:
                    self.move(number, update, gathered, update.lr * rate)
                    gathered = 0.0
            if self.instances[number].activation.has_kink:
                self._closest[number] = min(self._closest[number], *(np.abs(z).min() for z in visited))


def rule_met(stop: StopRules, plan: Plan, instance: Instance, output: np.ndarray) -> bool:
    """Whether one of the stopping rules of a phase asks to stop at these outputs (n,)."""
    if stop.loss is not None and logistic_loss(plan.target * output)[plan.learned].mean() <= stop.loss:
        return True
    if stop.forget_loss_above is not None:
        loss = logistic_loss(instance.y * output)[instance.forget].mean()
        if loss >= stop.forget_loss_above:
            return True
    if stop.forget_below is None and stop.forget_above is None:
        return False
    accuracy = float((instance.y * output > 0)[instance.forget].mean())
    below = stop.forget_below is not None and accuracy <= stop.forget_below
    return below or (stop.forget_above is not None and accuracy >= stop.forget_above)
