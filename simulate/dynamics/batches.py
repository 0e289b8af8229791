"""Which samples each step sees."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulate.house import checks
from simulate.problems.streams import stream

__all__ = ["Batches", "Pool"]

_MOST_AHEAD = 4096
"""As many samples again as there were are drawn at a time, but no more than these ahead of what is asked for."""


@dataclass(frozen=True, eq=False)
class Pool:
    """A set of samples that is cut, epoch after epoch, into disjoint random batches.

    Attributes:
        members: Indices of the samples.
        batch: Samples per batch, at most all of them.
    """

    members: np.ndarray
    batch: int

    @property
    def steps_per_epoch(self) -> int:
        """Number of whole batches in an epoch; a smaller remainder sits the epoch out."""
        return len(self.members) // self.batch


class Batches:
    """The batches of one phase of one trajectory, drawn as they are asked for.

    Args:
        n: Number of samples.
        pools: Pools that each give a batch to every step, each at its own epoch length.
        seed: The run's seed.
        phase: Name of the phase.
    """

    def __init__(self, n: int, pools: tuple[Pool, ...], *, seed: int, phase: str) -> None:
        self.n = n
        self.pools = pools
        self._names = [(seed, "batches", phase, number) for number in range(len(pools))]
        self._streams: dict[int, np.random.Generator] = {}
        self._drawn = [np.empty(0, dtype=np.int64) for _ in pools]
        self._forgotten = [0 for _ in pools]

    @property
    def full(self) -> bool:
        """Whether every step sees every member of every pool."""
        return all(pool.batch == len(pool.members) for pool in self.pools)

    @property
    def steps_per_epoch(self) -> int:
        """Number of steps in an epoch of the first pool."""
        return self.pools[0].steps_per_epoch

    def present(self, first: int, last: int) -> np.ndarray:
        """Say which samples the steps first, …, last - 1 of the phase see; `first` may not go backwards.

        Returns:
            Array of bool (last - first, n), or (1, n) when all steps see the same samples.
        """
        if self.full:
            row = np.zeros((1, self.n), dtype=bool)
            for pool in self.pools:
                row[0, pool.members] = True
            return row
        present = np.zeros((last - first, self.n), dtype=bool)
        for number, pool in enumerate(self.pools):
            samples = self._samples(number, first * pool.batch, last * pool.batch)
            present[np.repeat(np.arange(last - first), pool.batch), samples] = True
        return present

    def _samples(self, number: int, first: int, last: int) -> np.ndarray:
        """Entries first..last of the endless concatenation of a pool's epochs."""
        if number not in self._streams:
            self._streams[number] = stream(*self._names[number])
        pool, draw = self.pools[number], self._streams[number]
        epoch = pool.steps_per_epoch * pool.batch
        drawn = self._forgotten[number] + len(self._drawn[number])
        if drawn < last:
            wanted = max(last - drawn, min(drawn, _MOST_AHEAD))
            fresh = [draw.permutation(pool.members)[:epoch] for _ in range(math.ceil(wanted / epoch))]
            kept = self._drawn[number][max(0, first - self._forgotten[number]) :]
            self._forgotten[number] += len(self._drawn[number]) - len(kept)
            self._drawn[number] = np.concatenate([kept, *fresh])
        start = first - self._forgotten[number]
        return self._drawn[number][start : start + last - first]


def pools_of(parts: tuple[np.ndarray, ...], batch: int | None) -> tuple[Pool, ...]:
    """Cut each part into batches of `batch` samples (None: all of the part), at most all of it.

    Raises:
        ValueError: if the first part, which sets the length of an epoch, is smaller than a batch.
    """
    if batch is not None and batch > len(parts[0]):
        checks.fail("batch", f"be at most {len(parts[0])}, the number of samples it is taken from", batch)
    return tuple(Pool(part, len(part) if batch is None else min(batch, len(part))) for part in parts)
