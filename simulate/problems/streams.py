"""Random streams: everything random in a run is drawn from one seed through a named stream.

A stream depends on the seed and its name alone, so neither the engine, the chunking nor the number of
threads can change a number, and cells of a sweep that share a seed share their draws.
"""

from __future__ import annotations

import zlib
from functools import lru_cache

import numpy as np

from simulate.house import checks

__all__ = ["stream"]


def stream(seed: int, *name: str | int) -> np.random.Generator:
    """Return the generator called `name` under `seed`.

    Args:
        seed: The run's seed, a whole number of at least 0.
        name: Words or whole numbers that together name the stream, e.g. `"batches", "unlearn", 0`.

    Example:
        >>> bool(stream(7, "labels").random() == stream(7, "labels").random())
        True
        >>> bool(stream(7, "labels").random() == stream(7, "chi").random())
        False
    """
    checks.integer("seed", seed, least=0)
    return np.random.default_rng(_sequence(int(seed), name))


@lru_cache(maxsize=4096)
def _sequence(seed: int, name: tuple[str | int, ...]) -> np.random.SeedSequence:
    """The seed of a stream; an ensemble starts the same few streams of a seed in every cell."""
    key = tuple(part if isinstance(part, int) else zlib.crc32(part.encode()) for part in name)
    return np.random.SeedSequence(seed, spawn_key=key)
