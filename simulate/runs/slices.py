"""Long ways in short slices, so that somebody can look in between: no bit of a run hangs on where it is cut."""

from __future__ import annotations

import time
from collections.abc import Iterator

from simulate.dynamics.engines import Engine

__all__ = ["Slices"]

_SECONDS = 0.25
"""What a slice takes, roughly."""

_FASTER = 8
"""How many times as long as the last one a slice may be."""

_MOST = 2**26
"""Samples that the minibatches of a slice may hold together: they are drawn before it."""


class Slices:
    """Advances the one trajectory of an engine in slices of a fraction of a second.

    How many steps that is, is measured on the way: a step takes a microsecond or a minute.
    """

    def __init__(self) -> None:
        self._steps = 1

    def advance(self, machine: Engine, until: int) -> Iterator[None]:
        """Advance to a step of the phase, or until the phase ends; stops to be asked on after each slice but the last.

        Args:
            machine: The engine, in a phase.
            until: The step.
        """
        while True:
            first = int(machine.steps[0])
            begun = time.perf_counter()
            machine.advance(min(until, first + self._steps))
            taken = int(machine.steps[0]) - first
            if machine.status[0] is not None or machine.steps[0] >= until:
                return
            seconds = max(time.perf_counter() - begun, 1e-9)
            fitting = int(min(taken * _SECONDS / seconds, _FASTER * taken, _MOST / machine.instances[0].n))
            self._steps = max(1, fitting)
            yield
