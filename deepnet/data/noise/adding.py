"""Images with noise, bit for bit the same however many of them are made at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from deepnet.data.noise.config import Noise
from deepnet.data.noise.kinds import gauss, glass, snow
from deepnet.house.seeding import generator

__all__ = ["add_noise", "noisy_rows"]

CHUNK = 512
"""Images that are worked on at a time."""

_KINDS: dict[str, Callable[..., np.ndarray]] = {"gauss": gauss, "glass": glass, "snow": snow}


def add_noise(pixels: np.ndarray, labels: np.ndarray, places: np.ndarray, noise: Noise) -> np.ndarray:
    """Give images their noise.

    Args:
        pixels: Images, (n, C, H, W) of uint8.
        labels: Their classes, (n,).
        places: Their places in the complete data set, (n,); with the seed they decide what is drawn.
        noise: Which noise.

    Returns:
        New images; those that have no noise are as they were.

    Raises:
        ValueError: if the images are too small for this noise.
    """
    made = pixels.copy()
    if noise.kind == "none":
        return made
    chosen = noisy_rows(labels, places, noise)
    for start in range(0, len(chosen), CHUNK):
        rows = chosen[start : start + CHUNK]
        generators = [generator(noise.seed, "noise", noise.kind, int(place)) for place in places[rows]]
        found = _KINDS[noise.kind](pixels[rows] / 255, generators, noise.severity)
        made[rows] = np.rint(255 * np.clip(found, 0, 1)).astype(np.uint8)
    return made


def noisy_rows(labels: np.ndarray, places: np.ndarray, noise: Noise) -> np.ndarray:
    """Which images have the noise: of each class those that draw the smallest numbers; their rows, sorted."""
    if noise.fraction == 1:
        return np.arange(len(labels))
    drawn = np.array([generator(noise.seed, "noisy", int(place)).random() for place in places])
    ranked = np.lexsort((drawn, labels))
    chosen = [members[: round(noise.fraction * len(members))] for members in _by_class(ranked, labels)]
    return np.sort(np.concatenate(chosen))


def _by_class(ranked: np.ndarray, labels: np.ndarray) -> list[np.ndarray]:
    """Rows that are sorted by class, cut between classes."""
    return np.split(ranked, np.flatnonzero(np.diff(labels[ranked])) + 1)
