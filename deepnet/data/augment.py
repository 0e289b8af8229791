"""Random crops, flips and RandAugment of a batch of images on its device, from random numbers drawn on the host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from simulate.house import checks

__all__ = ["NO_AUGMENTATION", "N_DRAWS", "Augment"]

N_DRAWS = 4
"""How many uniform numbers in [0, 1) the augmentation of one image may use."""


@dataclass(frozen=True, kw_only=True)
class Augment:
    """Zero-padded random crops, horizontal flips and, if asked for, RandAugment, in this order.

    Every choice is a function of the image's own uniform numbers, so an image is augmented alike in whichever
    batch, process or device it is.

    Example:
        >>> images = torch.arange(4, dtype=torch.uint8).reshape(1, 1, 2, 2)
        >>> Augment(pad=0)(images, torch.zeros(1, N_DRAWS)).tolist()
        [[[[1, 0], [3, 2]]]]
    """

    pad: int = 4
    """Pixels of zeros put around an image before an area of its own size is cut out at random; 0 cuts nothing."""
    flip: bool = True
    """Mirror an image left to right with probability 1/2."""
    random: Literal["none", "randaugment"] = "none"
    """Whether torchvision's RandAugment(num_ops=2, magnitude=15) follows, which the released code leaves on for
    CIFAR-100. It works image by image, and is slow."""

    def __post_init__(self) -> None:
        """Validate every field.

        Raises:
            ValueError: if a field is out of range; the message names it.
        """
        checks.integer("pad", self.pad, least=0)
        checks.boolean("flip", self.flip)
        checks.choice("random", self.random, ("none", "randaugment"))

    def __call__(self, images: Tensor, draws: Tensor) -> Tensor:
        """Augment a batch.

        Args:
            images: Images of the data type uint8, (b, C, H, W).
            draws: Uniform numbers in [0, 1), (b, N_DRAWS) on the CPU: vertical and horizontal offset of the crop,
                flip (if < 1/2), seed of RandAugment.

        Returns:
            New images, (b, C, H, W) of uint8, on the device of `images`.
        """
        if self.pad or self.flip:
            images = self._crop_and_flip(images, draws)
        if self.random == "randaugment":
            images = torch.stack([_rand_augment(image, draw) for image, draw in zip(images, draws[:, 3], strict=True)])
        return images

    def _crop_and_flip(self, images: Tensor, draws: Tensor) -> Tensor:
        """One gather: which row and column of the padded image each pixel comes from.

        Three whole numbers an image travel to the device, not the rows and columns that it makes of them.
        """
        batch, channels, height, width = images.shape
        device = images.device
        top, left = (draws[:, :2] * (2 * self.pad + 1)).long().unbind(1)
        mirrored = (draws[:, 2] < 0.5).long() if self.flip else torch.zeros_like(left)
        moves = torch.stack([top, left + mirrored * (width - 1), 1 - 2 * mirrored]).reshape(3, batch, 1, 1, 1)
        first_row, first_column, step = moves.to(device, non_blocking=True).unbind()
        rows = first_row + torch.arange(height, device=device).reshape(-1, 1)
        columns = torch.addcmul(first_column, step, torch.arange(width, device=device))
        padded = functional.pad(images, (self.pad,) * 4) if self.pad else images
        image = torch.arange(batch, device=device).reshape(-1, 1, 1, 1)
        channel = torch.arange(channels, device=device).reshape(-1, 1, 1)
        return padded[image, channel, rows, columns]


NO_AUGMENTATION = Augment(pad=0, flip=False)
"""Images as they are."""


def _rand_augment(image: Tensor, draw: Tensor) -> Tensor:
    """RandAugment of one image, (C, H, W); it draws from the CPU's global generator, which is put back after."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(int(draw * 2**53))
        return _rand_augmentation()(image)


@cache
def _rand_augmentation() -> Callable[[Tensor], Tensor]:
    """RandAugment with the constants of the released code."""
    from torchvision.transforms import v2  # which takes a second that few need wait

    return v2.RandAugment(num_ops=2, magnitude=15)
