"""The numba engine's trajectories on a GPU: each by a block of threads, or all by batched matrix products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from simulate.dynamics.cuda.device import find_gpu
from simulate.dynamics.cuda.layout import Layout, Shape, choose_layout
from simulate.dynamics.cuda.lockstep import advance_trajectories
from simulate.dynamics.engines.compiled import CompiledEngine
from simulate.dynamics.plan import Plan
from simulate.problems.instance import Instance

__all__ = ["CupyEngine"]

_CHANGING = (0, 1, 8, 10, 11)
"""Places among the arguments of what a launch changes: coefficients, pre-activations, the smallest of these, steps,
status."""


class CupyEngine(CompiledEngine):
    """Coefficients and pre-activations rest in the memory of the host and visit the GPU at every call of `advance`.

    What a phase does not change is kept on the GPU. Coefficients, pre-activations, the smallest of these, steps and
    status are copied there and back. Engines on several threads take their turns on the default stream of the card.
    """

    def __init__(self, instances: Sequence[Instance]) -> None:
        self._gpu = find_gpu()
        super().__init__(instances)
        self._gram_there = self._there(self._gram)

    def _lay_out(self, grams: Sequence[np.ndarray]) -> np.ndarray:
        """See `CompiledEngine._lay_out`: as they are."""
        return np.stack(grams)

    def refuse(self, plan: Plan, instance: Instance) -> None:
        """Refuse steps that are more than a move along the gradient, and other activations, too."""
        super().refuse(plan, instance)
        if not instance.activation.is_relu:
            raise ValueError(
                f'Argument `engine` must be "numba", "numpy" or "dense" for the activation {instance.activation}, '
                'but is "cupy".'
            )
        if not plan.is_plain:
            raise ValueError(
                f'Argument `engine` must be "numba", "numpy" or "dense" for phase "{plan.phase.name}" '
                f'({plan.phase.objective}, {plan.phase.optimizer}), but is "cupy".'
            )

    def begin(self, plans: Sequence[Plan], *, resume: bool = False) -> None:
        """Enter a phase; see `Engine.begin`."""
        super().begin(plans, resume=resume)
        self._constants = self._there(self._labels), self._there(self._updates), self._there(self._rules)

    def _launch(self, arrays: tuple) -> None:
        """See `CompiledEngine._launch`."""
        arguments = self._arguments(arrays)
        layout = self._layout()
        if layout is None:
            advance_trajectories(self._gpu.cupy, *arguments)
        else:
            self._gpu.launch(layout, arguments)
        for place in _CHANGING:
            arrays[place][...] = self._here(arguments[place])

    def _arguments(self, arrays: tuple) -> tuple:
        """The arguments of `kernels.advance_trajectories` on the GPU: of all that is not kept there, copies."""
        c, z, _, _, _, present, _, until, closest, multiplicity, steps, status = arrays
        labels, updates, rules = self._constants
        c, z, present, until, closest, steps, status = self._there((c, z, present, until, closest, steps, status))
        return c, z, self._gram_there, labels, updates, present, rules, until, closest, multiplicity, steps, status

    def _layout(self) -> Layout | None:
        """How a trajectory lies in a block of threads, or None where it does not fit."""
        first = self.instances[0]
        shape = Shape(first.n, first.m, self._gram.shape[-1], self._updates[0].shape[1], bool(self._updates[1].any()))
        return choose_layout(shape, self._gpu.kernel.num_regs, self._gpu.card)

    def _there(self, arrays: Any) -> Any:
        """Arrays, or tuples of them, on the GPU."""
        if isinstance(arrays, tuple):
            return tuple(self._there(array) for array in arrays)
        return self._gpu.cupy.asarray(arrays)

    def _here(self, array: Any) -> np.ndarray:
        return self._gpu.cupy.asnumpy(array)
