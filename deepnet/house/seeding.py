"""Named random streams: whatever is drawn depends on a seed and the name of what is drawn, and on nothing else."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from simulate.house import checks

__all__ = ["generator", "seed_words", "stage_seed"]


def seed_words(seed: int | Sequence[int]) -> tuple[int, ...]:
    """A seed as a tuple of whole numbers.

    Args:
        seed: A whole number of at least 0, or several of them that together are the seed.

    Returns:
        The numbers.

    Raises:
        ValueError: if the seed is empty, or holds anything else.
    """
    words = tuple(seed) if isinstance(seed, Sequence) and not isinstance(seed, str | bytes) else (seed,)
    if not words:
        checks.fail("seed", "hold at least one whole number", seed)
    for word in words:
        checks.integer("seed", word, least=0)
    return tuple(int(word) for word in words)


def generator(seed: int | Sequence[int], *name: str | int) -> np.random.Generator:
    """The random generator called `name` under a seed.

    Args:
        seed: A whole number of at least 0, or several.
        name: Words or whole numbers that together name what is drawn, e.g. `"permutation", 3`.

    Returns:
        A new generator in its first state.

    Raises:
        ValueError: if the seed is not made of whole numbers of at least 0.

    Example:
        >>> bool(generator((7, 1), "draws", 0).random() == generator((7, 1), "draws", 0).random())
        True
        >>> bool(generator((7, 1), "draws", 0).random() == generator((7, 1), "draws", 1).random())
        False
    """
    words = seed_words(seed)
    key = tuple(zlib.crc32(part.encode()) if isinstance(part, str) else int(part) for part in name)
    # NumPy fills short seeds up with zeros; with their length in the key, (7,) and (7, 0) stay different.
    return np.random.default_rng(np.random.SeedSequence(words, spawn_key=(len(words), *key)))


def stage_seed(seed: int, stage: str) -> tuple[int, int]:
    """The seed of a training by its place in a study: trainings that have a seed in common draw other batches.

    Args:
        seed: A whole number of at least 0.
        stage: What a method starts from, "fresh" or "pretrained", or the attack that comes last, "relearning".

    Example:
        >>> stage_seed(7, "fresh")[0], stage_seed(7, "fresh") == stage_seed(7, "relearning")
        (7, False)
    """
    return int(seed), int(generator(0, stage).integers(2**31))
