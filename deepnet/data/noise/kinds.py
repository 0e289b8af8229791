"""Gaussian noise, glass blur and snow of a batch of images, each image from its own random generator.

Formulas and constants are those of Hendrycks & Dietterich 2019 (arXiv 1903.12261) for images of 32 x 32 pixels, with
three differences to their code. It means to swap pixels in glass blur, but where they have colours it copies one over
the other, a fault of NumPy's views; here they are swapped. It cuts decimals off between the steps of glass blur and
snow; here numbers stay real, and are rounded to bytes at the end. It leaves streaks of snow to ImageMagick, whose rule
stands in `_streaked`. The paper's released code has streaks that are even over 10 pixels to both sides.

The authors' package, imagenet_c, is for images of 224 x 224 pixels: it has other constants, needs ImageMagick, and
draws from the generator that all of NumPy shares.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

__all__ = ["gauss", "glass", "snow"]

Generators = Sequence[np.random.Generator]

GAUSS = (0.04, 0.06, 0.08, 0.09, 0.10)
"""Standard deviation by severity, where white is 1."""
GLASS = ((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2))
"""Width of the blur in pixels, largest distance of a swap, and passes of swaps, by severity."""
GRAY = (0.299, 0.587, 0.114)
"""What red, green and blue do for the brightness of a pixel."""


class _Snow(NamedTuple):
    """Constants of snow."""

    mean: float
    """Of the flakes before they are cut."""
    deviation: float
    """The same."""
    zoom: float
    """Size of a flake in pixels."""
    threshold: float
    """Below it there is none."""
    radius: int
    """A streak reaches over twice as many pixels."""
    width: float
    """Pixels over which it fades, the deviation of a half Gaussian."""
    kept: float
    """Share of the image itself; the rest is a brightened one."""


SNOW = (
    _Snow(0.1, 0.2, 1, 0.6, 8, 3, 0.95),
    _Snow(0.1, 0.2, 1, 0.5, 10, 4, 0.9),
    _Snow(0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
    _Snow(0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
    _Snow(0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
)
"""By severity."""


def gauss(images: np.ndarray, generators: Generators, severity: int) -> np.ndarray:
    """Independent Gaussian noise on every pixel and channel.

    Args:
        images: In [0, 1], (n, C, H, W).
        generators: One for each image.
        severity: 1 to 5.

    Returns:
        New images, not yet cut to [0, 1].
    """
    drawn = np.stack([generator.standard_normal(images.shape[1:]) for generator in generators])
    return images + GAUSS[severity - 1] * drawn


def glass(images: np.ndarray, generators: Generators, severity: int) -> np.ndarray:
    """Blur, swap each pixel with one up to a distance above and to the left, from the last to the first, blur again.

    Args, Returns: see `gauss`.
    """
    width, reach, passes = GLASS[severity - 1]
    spread = (0, 0, width, width)
    height, breadth = images.shape[2:]
    rows, columns = range(height - reach, reach, -1), range(breadth - reach, reach, -1)
    size = (passes, len(rows), len(columns), 2)
    moves = np.stack([generator.integers(-reach, reach, size) for generator in generators], axis=-1)
    # Pixels first, so that one pixel of all images is one piece of memory.
    pixels = np.ascontiguousarray(gaussian_filter(images, spread, mode="nearest").transpose(2, 3, 0, 1))
    every = np.arange(len(images))
    for steps in moves:
        for row, along in zip(rows, steps, strict=True):
            for column, (down, right) in zip(columns, along, strict=True):
                there = row + down, column + right, every
                here, pixels[row, column] = pixels[row, column].copy(), pixels[there]
                pixels[there] = here
    return gaussian_filter(pixels.transpose(2, 3, 0, 1), spread, mode="nearest")


def snow(images: np.ndarray, generators: Generators, severity: int) -> np.ndarray:
    """Flakes, drawn out to streaks and mirrored through the centre, over an image that is brightened towards white.

    Args, Returns: see `gauss`.

    Raises:
        ValueError: if images are no larger than the radius of streaks.
    """
    how = SNOW[severity - 1]
    height, width = images.shape[2:]
    if min(height, width) <= how.radius:
        raise ValueError(
            f'Argument `noise.kind` must be another than "snow" for images of {width} x {height} pixels, which are too '
            f"small for its streaks of {how.radius} pixels and more."
        )
    flakes = np.stack([generator.normal(how.mean, how.deviation, (height, width)) for generator in generators])
    angles = np.radians([generator.uniform(-135, -45) for generator in generators])
    flakes = _enlarged(flakes, how.zoom)
    flakes = np.where(flakes < how.threshold, 0, np.minimum(flakes, 1))
    streaks = _streaked(flakes, how.radius, how.width, angles)[:, None]
    bright = 1.5 * _gray(images) + 0.5
    covered = how.kept * images + (1 - how.kept) * np.maximum(images, bright)
    return covered + streaks + streaks[..., ::-1, ::-1]


def _enlarged(layers: np.ndarray, factor: float) -> np.ndarray:
    """The middle of layers (n, H, W), enlarged by linear interpolation to their size."""
    shape = layers.shape[1:]
    kept = [math.ceil(side / factor) for side in shape]
    top, left = ((side - part) // 2 for side, part in zip(shape, kept, strict=True))
    large = zoom(layers[:, top : top + kept[0], left : left + kept[1]], (1, factor, factor), order=1)
    top, left = ((found - side) // 2 for found, side in zip(large.shape[1:], shape, strict=True))
    return large[:, top : top + shape[0], left : left + shape[1]]


def _streaked(layers: np.ndarray, radius: int, width: float, angles: np.ndarray) -> np.ndarray:
    """Layers (n, H, W) blurred along one direction each: the mean of what lies that way, with weights that fade.

    Weights are those of a half Gaussian at 0 to 2 `radius` pixels, places are rounded to whole pixels (halves down),
    and beyond a border lies what lies on it.
    """
    distances = np.arange(2 * radius + 1)
    weights = np.exp(-(distances**2) / (2 * width**2))
    weights /= weights.sum()
    down, right = (np.ceil(np.outer(distances, way(angles)) - 0.5).astype(int) for way in (np.sin, np.cos))
    n, rows, columns = layers.shape
    blurred = np.zeros_like(layers)
    for weight, dy, dx in zip(weights, down, right, strict=True):
        row = np.clip(np.arange(rows) + dy[:, None], 0, rows - 1)
        column = np.clip(np.arange(columns) + dx[:, None], 0, columns - 1)
        blurred += weight * layers[np.arange(n)[:, None, None], row[:, :, None], column[:, None, :]]
    return blurred


def _gray(images: np.ndarray) -> np.ndarray:
    """Brightness (n, 1, H, W) of images with colours or without."""
    if images.shape[1] == 1:
        return images
    return np.tensordot(GRAY, images, axes=(0, 1))[:, None]
