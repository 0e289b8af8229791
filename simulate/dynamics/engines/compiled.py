"""The default engine: the loops of `simulate.dynamics.kernels` over all trajectories, in parallel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulate.dynamics import kernels
from simulate.dynamics.engines.base import Engine
from simulate.dynamics.plan import Plan, StopRules
from simulate.dynamics.state import Status
from simulate.machine.parallel import in_threads
from simulate.problems.instance import Instance

__all__ = ["CompiledEngine"]

_ENDED = -1
_STATUS = {
    kernels.RUNNING: None,
    kernels.CONVERGED: Status.CONVERGED,
    kernels.NONFINITE: Status.NONFINITE,
}


class CompiledEngine(Engine):
    """Keeps coefficients and pre-activations and moves both at every step."""

    def __init__(self, instances: Sequence[Instance]) -> None:
        super().__init__(instances)
        self._gram = _stack([instance.geometry.gram for instance in instances])
        self._closest = np.full((len(self.instances), self._gram.shape[-1]), np.inf)

    def begin(self, plans: Sequence[Plan], *, resume: bool = False) -> None:
        """Enter a phase; see `Engine.begin`."""
        super().begin(plans, resume=resume)
        plans, instances = self.plans, self.instances
        self._labels = (
            _stack([instance.y for instance in instances], np.float64),
            _stack([instance.y_true for instance in instances], np.float64),
            _stack([instance.forget for instance in instances], np.bool_),
            _stack([plan.target for plan in plans], np.float64),
            _stack([plan.learned / plan.learned.sum() for plan in plans], np.float64),
        )
        moves = [[self.moves(t, update).ravel() for update in plan.updates] for t, plan in enumerate(plans)]
        self._updates = (
            _stack([[update.weight for update in plan.updates] for plan in plans], np.float64),
            _stack([[update.perturbed & (not update.is_plain) for update in plan.updates] for plan in plans]),
            _stack(moves),
            _stack([[(update.lr, update.tau, update.mixing) for update in plan.updates] for plan in plans], np.float64),
        )
        self._rules = (
            _stack([_thresholds(plan.stop) for plan in plans], np.float64),
            _stack([plan.stop.every for plan in plans], np.int64),
        )

    def advance(self, until: int | np.ndarray) -> None:
        """Advance all trajectories at once; see `Engine.advance`."""
        T = len(self.instances)
        ends = np.maximum(np.broadcast_to(until, T), self.steps)
        status = np.array([kernels.RUNNING if ended is None else _ENDED for ended in self.status])
        c, z = (array.reshape(T, -1, array.shape[-1]) for array in (self.coefficients, self.preactivations))
        multiplicity = float(self.instances[0].multiplicity)
        arrays = (
            c, z, self._gram, self._labels, self._updates, self._present(ends, status), self._rules, ends,
            self._closest, multiplicity, self.steps, status,
        )  # fmt: skip
        self._launch(arrays)
        for t, code in enumerate(status):
            if code != _ENDED:
                self.status[t] = _STATUS[int(code)]

    def _launch(self, arrays: tuple) -> None:
        """Advance all trajectories in place; `arrays` are the arguments of `kernels.advance_trajectories`."""
        in_threads(lambda first, last: kernels.advance_trajectories(first, last, *arrays), len(self.instances))

    def _present(self, until: np.ndarray, status: np.ndarray) -> np.ndarray:
        """Batches of the coming steps, (T, S, n); a single row when all steps see the same samples."""
        rows = [
            plan.batches.present(int(first), int(last if code != _ENDED else first))
            for plan, first, last, code in zip(self.plans, self.steps, until, status, strict=True)
        ]
        n_steps = max(map(len, rows))
        present = np.zeros((len(rows), n_steps, self.instances[0].n), dtype=np.bool_)
        for into, row in zip(present, rows, strict=True):
            into[: n_steps if len(row) == 1 else len(row)] = row
        return present

    def closest(self, number: int) -> float:
        """See `Engine.closest`."""
        return float(self._closest[number].min())


def _thresholds(stop: StopRules) -> list[float]:
    """The rules as numbers, NaN when absent."""
    rules = (stop.loss, stop.forget_below, stop.forget_above, stop.forget_loss_above)
    return [np.nan if rule is None else rule for rule in rules]


def _stack(arrays: Sequence[object], dtype: type | None = None) -> np.ndarray:
    """Stack along a new first axis; a single array is viewed, not copied."""
    if len(arrays) == 1:
        return np.ascontiguousarray(np.asarray(arrays[0], dtype)[None])
    return np.ascontiguousarray(np.stack([np.asarray(array, dtype) for array in arrays]))
