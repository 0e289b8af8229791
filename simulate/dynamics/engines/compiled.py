"""The default engine: the loops of `simulate.dynamics.kernels` over all trajectories, in parallel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from simulate.dynamics import kernels
from simulate.dynamics.descents import descend_trajectories
from simulate.dynamics.engines.base import Engine
from simulate.dynamics.plan import Plan, StopRules
from simulate.dynamics.state import Status
from simulate.dynamics.updates import Descent
from simulate.machine.parallel import in_threads
from simulate.machine.stretches import padded_rows
from simulate.problems.instance import Instance

__all__ = ["CompiledEngine"]

_ENDED = -1
_PLACES = ("coefficients", "preactivations", "initial_share")
"""What moves, as states call it."""
_STATUS = {
    kernels.RUNNING: None,
    kernels.CONVERGED: Status.CONVERGED,
    kernels.NONFINITE: Status.NONFINITE,
}


class CompiledEngine(Engine):
    """Keeps coefficients and pre-activations and moves both at every step."""

    def __init__(self, instances: Sequence[Instance]) -> None:
        super().__init__(instances)
        self._gram = self._lay_out([instance.geometry.gram for instance in instances])
        self._closest = np.full((len(self.instances), self._gram.shape[-2]), np.inf)

    def _lay_out(self, grams: Sequence[np.ndarray]) -> np.ndarray:
        """Gram matrices as the kernels read them."""
        return padded_rows(grams)

    def begin(self, plans: Sequence[Plan], *, resume: bool = False) -> None:
        """Enter a phase; see `Engine.begin`."""
        super().begin(plans, resume=resume)
        first, plan_of = _distinct(self.plans)
        plans = [self.plans[t] for t in first]
        instances = [self.instances[t] for t in first]  # whoever shares a plan has the same labels

        def each(rows: Sequence[object], dtype: type | None = None) -> np.ndarray:
            """An array of every trajectory, from one of every distinct plan."""
            stacked = _stack(rows, dtype)
            return stacked if len(first) == len(plan_of) else stacked[plan_of]

        self._labels = (
            each([instance.y for instance in instances], np.float64),
            each([instance.y_true for instance in instances], np.float64),
            each([instance.forget for instance in instances], np.bool_),
            each([plan.target for plan in plans], np.float64),
            each([plan.learned / plan.learned.sum() for plan in plans], np.float64),
        )
        self._updates = (
            each([[update.weight for update in plan.updates] for plan in plans], np.float64),
            each([[update.perturbed & (not update.is_plain) for update in plan.updates] for plan in plans]),
            self._moving(each, first),
            each([[(update.lr, update.tau, update.mixing) for update in plan.updates] for plan in plans], np.float64),
        )
        relu = np.array([instance.activation.is_relu for instance in self.instances])
        self._directed = np.flatnonzero(each([not plan.is_plain for plan in plans]) & relu)
        self._activated = np.flatnonzero(~relu)
        if self._directed.size + self._activated.size:
            self._begin_descents(resume=resume)
        self._rules = (
            each([_thresholds(plan.stop) for plan in plans], np.float64),
            each([plan.stop.every for plan in plans], np.int64),
        )

    def _moving(self, each: Callable[..., np.ndarray], first: Sequence[int]) -> np.ndarray:
        """Filters that every update moves, (T, U, 2m); networks that are split are split each in its own way."""
        if all(part is None for part in self.forget_parts):
            return each([[self.moves(t, update).ravel() for update in self.plans[t].updates] for t in first])
        return _stack([[self.moves(t, update).ravel() for update in plan.updates] for t, plan in enumerate(self.plans)])

    def advance(self, until: int | np.ndarray) -> None:
        """Advance all trajectories at once; see `Engine.advance`."""
        T = len(self.instances)
        ends = np.maximum(np.broadcast_to(until, T), self.steps)
        status = np.array([kernels.RUNNING if ended is None else _ENDED for ended in self.status])
        present = _windows([plan.batches.present(*steps) for plan, steps in self._coming(ends, status)])
        directed = np.isin(np.arange(T), np.concatenate([self._directed, self._activated]))
        if not directed.all():
            arrays = (
                *self._places()[:2], self._gram, self._labels, self._updates, present, self._rules, ends,
                self._closest, self._multiplicity, self.steps, (plain := np.where(directed, _ENDED, status)),
            )  # fmt: skip
            self._launch(arrays)
            status = np.where(directed, status, plain)
        if directed.any():
            self._descend(present, ends, status)
        for t, code in enumerate(status):
            if code != _ENDED:
                self.status[t] = _STATUS[int(code)]

    def _launch(self, arrays: tuple) -> None:
        """Advance all trajectories in place; `arrays` are the arguments of `kernels.advance_trajectories`."""
        in_threads(lambda first, last: kernels.advance_trajectories(first, last, *arrays), len(self.instances))

    def _begin_descents(self, *, resume: bool) -> None:
        """What steps need that are more than a move along the gradient; velocities are those of resumed states."""
        plans = self.plans
        self._descents = _stack([_numbers(plan.descent) for plan in plans], np.float64)
        nothing = np.full(self.instances[0].n, np.nan)
        references = [nothing if reference is None else reference for reference in self.references]
        self._bounds = _stack([plan.bound for plan in plans], np.float64), _stack(references)
        marks = [[(update.normalised, update.gathers) for update in plan.updates] for plan in plans]
        self._marked_updates = (*self._updates[:3], np.concatenate([self._updates[3], _stack(marks, float)], axis=-1))
        places = (self.coefficients, self.preactivations, self.initial_shares)
        self._velocities = {name: np.zeros_like(array) for name, array in zip(_PLACES, places, strict=True)}
        for t in (*self._directed, *self._activated):
            before = self.velocities[t]
            if resume and before and "preactivations" not in before:  # another engine's
                geometry = self.instances[t].geometry
                before["preactivations"] = geometry.preactivations(before["coefficients"], before["initial_share"])
            for name, array in self._velocities.items():
                array[t] = before.get(name, 0.0)
            if not plans[t].is_plain:
                self.velocities[t] = {name: array[t] for name, array in self._velocities.items()}

    def _descend(self, present: np.ndarray, ends: np.ndarray, status: np.ndarray) -> None:
        """Advance the trajectories whose steps are more than a move along the gradient, or whose σ is not ReLU."""
        turned = _windows([plan.turns.turned(*steps) for plan, steps in self._coming(ends, status)])
        rates = _windows([plan.rates(*steps) for plan, steps in self._coming(ends, status)])
        shapes = [place.shape for place in self._places()]
        velocities = tuple(array.reshape(shape) for array, shape in zip(self._velocities.values(), shapes, strict=True))
        arrays = (
            self._places(), velocities, self._gram, self._labels, self._marked_updates, self._descents,
            self._bounds, (present, turned, rates), self._rules, ends, self._closest, self._multiplicity,
        )  # fmt: skip
        sigmas = [instance.activation for instance in self.instances]
        others = _stack([sigma.power for sigma in sigmas], np.int64), _stack([sigma.leak for sigma in sigmas], float)
        for chosen, activations in ((self._directed, None), (self._activated, others)):

            def descend(first: int, last: int, chosen: np.ndarray = chosen, activations: Any = activations) -> None:
                descend_trajectories(chosen, first, last, *arrays, activations, self.steps, status)

            if chosen.size:
                in_threads(descend, chosen.size)

    @property
    def _multiplicity(self) -> float:
        return float(self.instances[0].multiplicity)

    def _places(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What moves, filters along one axis: coefficients and pre-activations (T, 2m, L), initial shares (T, 2m)."""
        T, length = len(self.instances), self.coefficients.shape[-1]
        c, z = (array.reshape(T, -1, length) for array in (self.coefficients, self.preactivations))
        return c, z, self.initial_shares.reshape(T, -1)

    def _coming(self, until: np.ndarray, status: np.ndarray) -> Iterator[tuple[Plan, tuple[int, int]]]:
        """Each plan, and the first of its coming steps and the one after the last."""
        for plan, first, last, code in zip(self.plans, self.steps, until, status, strict=True):
            yield plan, (int(first), int(last if code != _ENDED else first))

    def closest(self, number: int) -> float:
        """See `Engine.closest`."""
        return float(self._closest[number].min())


def _distinct(things: Sequence[object]) -> tuple[list[int], np.ndarray]:
    """The number of the first of each distinct object, and for every object which of these it is."""
    first: dict[int, int] = {}
    places = [first.setdefault(id(thing), number) for number, thing in enumerate(things)]
    numbers = list(first.values())
    return numbers, np.searchsorted(numbers, places)


def _windows(rows: Sequence[np.ndarray]) -> np.ndarray:
    """What single steps see, (T, S, …), from one array a trajectory; of one row, where all its steps see the same."""
    n_steps = max(map(len, rows))
    windows = np.zeros((len(rows), n_steps, *rows[0].shape[1:]), dtype=rows[0].dtype)
    for into, row in zip(windows, rows, strict=True):
        into[: n_steps if len(row) == 1 else len(row)] = row
    return windows


def _numbers(descent: Descent) -> tuple[float, float, float, float]:
    return descent.momentum, float(descent.nesterov), descent.weight_decay, descent.clip


def _thresholds(stop: StopRules) -> list[float]:
    """The rules as numbers, NaN when absent."""
    rules = (stop.loss, stop.forget_below, stop.forget_above, stop.forget_loss_above)
    return [np.nan if rule is None else rule for rule in rules]


def _stack(arrays: Sequence[object], dtype: type | None = None) -> np.ndarray:
    """Stack along a new first axis; a single array is viewed, not copied.

    But for one that cannot be written to: to numba it is of another type, for which a kernel is compiled once more.
    """
    if len(arrays) == 1:
        return np.require(np.asarray(arrays[0], dtype)[None], requirements=["C", "W"])
    return np.ascontiguousarray(np.stack([np.asarray(array, dtype) for array in arrays]))
