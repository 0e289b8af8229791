"""Labels that are turned at random, anew for every step."""

from __future__ import annotations

import numpy as np

from simulate.problems.streams import stream

__all__ = ["Turns"]

_BLOCK = 512
"""Steps whose draws are one stream, so that a run that goes on draws what it would have drawn."""


class Turns:
    """Which samples each step of one phase of one trajectory sees with the other label.

    Args:
        probability: Probability with which a step turns the label of a sample.
        n: Number of samples.
        seed: The run's seed.
        phase: Name of the phase.
    """

    def __init__(self, probability: float, n: int, *, seed: int, phase: str) -> None:
        self.probability, self.n = probability, n
        self._name = (seed, "turned labels", phase)
        self._blocks: dict[int, np.ndarray] = {}

    def turned(self, first: int, last: int) -> np.ndarray:
        """Samples that the steps first, …, last - 1 see turned, (last - first, n) of bool; one row if none ever is."""
        if self.probability == 0.0:
            return np.zeros((1, self.n), dtype=bool)
        last = max(last, first + 1)
        numbers = range(first // _BLOCK, (last - 1) // _BLOCK + 1)
        self._blocks = {
            number: self._blocks[number] if number in self._blocks else self._drawn(number) for number in numbers
        }
        drawn = np.concatenate([self._blocks[number] for number in numbers])
        return drawn[first - numbers[0] * _BLOCK : last - numbers[0] * _BLOCK]

    def _drawn(self, number: int) -> np.ndarray:
        return stream(*self._name, number).random((_BLOCK, self.n)) < self.probability
