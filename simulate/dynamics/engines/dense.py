r"""The oracle: weights in R^d, moved by gradients in R^d.

It shares the network's output and slopes with the readable step, but knows nothing of Gram matrices: every
pre-activation is an inner product with the weights, every norm is a sum over coordinates. It alone can do what
depends on the coordinates: ASAM and per-coordinate partitions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulate.dynamics.engines.base import StepwiseEngine, largest
from simulate.dynamics.plan import Plan
from simulate.dynamics.state import State
from simulate.dynamics.step import gradient, network_output, output_slopes
from simulate.dynamics.updates import Partition, Update
from simulate.problems.instance import Instance

__all__ = ["DenseEngine"]


class DenseEngine(StepwiseEngine):
    """Keeps the weights w_jr, (2, m, D) a trajectory."""

    def __init__(self, instances: Sequence[Instance]) -> None:
        super().__init__(instances)
        self._weights = [instance.w0.copy() for instance in instances]
        self._spans = [instance.span for instance in instances]
        self._forget_coordinates: list[np.ndarray | None] = [None] * len(self._weights)

    def weights(self, number: int) -> np.ndarray:
        """The weights (2, m, D) of a trajectory."""
        return self._weights[number]

    def forget_coordinates(self, number: int) -> np.ndarray | None:
        """The coordinates (2, m, D) of the forget part of a trajectory; see `Engine.forget_coordinates`."""
        return self._forget_coordinates[number]

    def restore(self, number: int, state: State) -> None:
        """Put trajectory `number` where a state of this engine stands."""
        super().restore(number, state)
        if state.weights is None:
            raise ValueError('Argument `start` must come from engine "dense" to go on there, but holds no weights.')
        self._weights[number] = state.weights.copy()
        self._forget_coordinates[number] = state.forget_coordinates

    def place(self, number: int) -> dict[str, np.ndarray]:
        """Where trajectory `number` is; see `Engine.place`."""
        return super().place(number) | {"weights": self._weights[number].copy()}

    def initial_place(self, number: int) -> dict[str, np.ndarray]:
        """Where trajectory `number` began; see `Engine.initial_place`."""
        return super().initial_place(number) | {"weights": self.instances[number].w0}

    def put(self, number: int, place: dict[str, np.ndarray]) -> None:
        """Move trajectory `number` to a place; see `Engine.put`."""
        super().put(number, place)
        self._weights[number] = place["weights"].copy()

    def refuse(self, plan: Plan, instance: Instance) -> None:
        """Refuse what depends on coordinates when those of the data are gone."""
        by_coordinate = plan.partition is not None and plan.partition.by_coordinate
        if (by_coordinate or any(update.adaptive for update in plan.updates)) and instance.space == "frame":
            name = "partition" if by_coordinate else "adaptive"
            raise ValueError(
                f"Argument `{name}` must not depend on coordinates for an instance in the exact frame, but does. "
                'Make the instance with space="ambient".'
            )

    def begin(self, plans: Sequence[Plan], *, resume: bool = False) -> None:
        """Enter a phase and, for per-coordinate partitions, rank the coordinates."""
        super().begin(plans, resume=resume)
        for number, plan in enumerate(plans):
            if plan.partition is None or not plan.partition.by_coordinate:
                self._forget_coordinates[number] = None
            elif not resume:
                self._forget_coordinates[number] = self._rank_coordinates(number, plan.partition)
            elif self._forget_coordinates[number] is None:
                raise ValueError("Argument `start` must hold the coordinates of the forget part, but has none.")

    def direction(
        self, number: int, update: Update, target: np.ndarray, present: np.ndarray
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """See `StepwiseEngine.direction`."""
        instance, w, span = self.instances[number], self._weights[number], self._spans[number]
        weight = update.weight * present
        z = w @ span.T
        damped, output = self._damped(number, target), network_output(instance, z)
        slopes = output_slopes(weight, target, output) * damped(output)
        b = gradient(instance, z, slopes)
        visited = [z]
        if not update.is_plain:
            felt = gradient(instance, z, slopes * update.perturbed)
            z_perturbed = (w + _perturbation(w, felt @ span, update)) @ span.T
            output = network_output(instance, z_perturbed)
            slopes_perturbed = output_slopes(weight * update.perturbed, target, output) * damped(output)
            b = b + update.mixing * (gradient(instance, z_perturbed, slopes_perturbed) - felt)
            visited.append(z_perturbed)
        return b, visited

    def move(self, number: int, update: Update, b: np.ndarray, lr: float) -> None:
        """W ← W - η Σ_k b_k s_k on the part that moves, or as the descent has it; the coefficients follow along."""
        span, moves = self._spans[number], self.moves(number, update)
        coordinates = self._forget_coordinates[number]
        by_coordinate = coordinates is not None and update.part != "all"
        if self.plans[number].descent.is_plain and not by_coordinate:
            b = moves[..., None] * b
            self._weights[number] = self._weights[number] - lr * (b @ span)
            self.coefficients[number] -= lr * b
        else:
            chosen = moves[..., None] if coordinates is None or not by_coordinate else coordinates
            chosen = ~chosen if by_coordinate and update.part == "retain" else chosen
            direction = b @ span
            moving = {"coefficients": moves[..., None], "initial_share": moves, "weights": chosen}
            directions = {"coefficients": b, "initial_share": np.zeros(moves.shape), "weights": direction}
            norm = float(np.linalg.norm(chosen * direction))
            self._weights[number] = self._descend(number, lr, norm, moving, directions)["weights"]
            if by_coordinate:
                self.coefficients[number] = np.nan
        self.preactivations[number] = self._weights[number] @ span.T

    def _rank_coordinates(self, number: int, partition: Partition) -> np.ndarray:
        instance, w, span = self.instances[number], self._weights[number], self._spans[number]
        z = w @ span.T
        slopes = output_slopes(instance.forget / instance.forget.sum(), instance.y, network_output(instance, z))
        size = np.abs(gradient(instance, z, slopes) @ span)
        return largest(size if partition.largest else -size, partition.fraction)


def _perturbation(w: np.ndarray, direction: np.ndarray, update: Update) -> np.ndarray:
    """SAM's ε̂ = τ g/‖g‖, or τ g, or ASAM's τ w² g/‖w g‖, over all filters (2, m, D)."""
    if not update.normalised:
        return update.tau * direction
    scale = np.abs(w) if update.adaptive else 1.0
    norm = np.linalg.norm(scale * direction)
    return update.tau / norm * scale**2 * direction if norm > 0 else 0.0 * direction
