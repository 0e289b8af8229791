"""From a decoded image to what a network sees: the test view, and the random crop of ImageNet training."""

from __future__ import annotations

import math
from functools import cache
from types import ModuleType

import numpy as np
from PIL import Image
from torch import Tensor

__all__ = ["center_view", "random_view", "to_tensor"]

AREA = (0.08, 1.0)
"""Fraction of an image's area that a random crop takes."""
RATIO = (3 / 4, 4 / 3)
"""Range of its width over its height."""


def to_tensor(image: Image.Image) -> Tensor:
    """The pixels of an image, (3, H, W) of uint8."""
    return _functional().pil_to_tensor(image)


def center_view(image: Image.Image, resize: int, crop: int) -> Image.Image:
    """The view for testing: the shorter side scaled to `resize` pixels, then the central square of side `crop`."""
    functional = _functional()
    return functional.center_crop(functional.resize(image, [resize]), [crop, crop])


def random_view(image: Image.Image, draws: np.ndarray, *, size: int) -> Image.Image:
    """The view for training on ImageNet: a random area of random shape, scaled to a square, and flipped at random.

    The law is that of torchvision's RandomResizedCrop (area 8 to 100 %, ratio 3/4 to 4/3) and RandomHorizontalFlip.

    Args:
        image: An image.
        draws: Uniform numbers in [0, 1), (N_DRAWS,): the third is the flip (if < 1/2), the others seed the crop.
        size: Side of the square in pixels.

    Returns:
        The view, of `size` by `size` pixels.
    """
    left, top, width, height = _random_box(image.size, draws)
    view = _functional().resized_crop(image, top, left, height, width, [size, size])
    return view.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if draws[2] < 0.5 else view


@cache
def _functional() -> ModuleType:
    """torchvision's operations on images, which take a second to load that pixels in memory need not wait."""
    from torchvision.transforms.v2 import functional

    return functional


def _random_box(size: tuple[int, int], draws: np.ndarray) -> tuple[int, int, int, int]:
    """A random area of an image: left, top, width, height. A shape that does not fit is drawn again, ten times."""
    full_width, full_height = size
    rng = np.random.default_rng([int(draw * 2**53) for draw in draws[[0, 1, 3]]])
    for _ in range(10):
        area = full_width * full_height * rng.uniform(*AREA)
        ratio = math.exp(rng.uniform(math.log(RATIO[0]), math.log(RATIO[1])))
        width, height = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < width <= full_width and 0 < height <= full_height:
            left, top = rng.integers(full_width - width + 1), rng.integers(full_height - height + 1)
            return int(left), int(top), width, height
    width = min(full_width, round(full_height * RATIO[1]))
    height = min(full_height, round(full_width / RATIO[0]))
    return (full_width - width) // 2, (full_height - height) // 2, width, height
