"""Convolutions of a single output pixel, as the matrix products that they are: the same function, but for last bits.

What is left of small images in a network made for large ones is a pixel: of images of 32×32 the last stage of a ResNet
has one. There a filter of 3×3 has eight taps in the padding, on 2×2 pixels five, and libraries spend time on them.
"""

from __future__ import annotations

from itertools import starmap
from typing import cast

from torch import Tensor, nn
from torch.nn import functional

__all__ = ["SingleOutputConv2d", "multiply_single_outputs_"]


def multiply_single_outputs_(model: nn.Module) -> None:
    """Make the plain convolutions of a model `SingleOutputConv2d`, in place; weights and their names stay.

    With 128 images of 32×32 a step of ResNet-50 takes four fifths of its time on one core of an AMD EPYC. It was not
    tried on GPUs, nor is it for compiled networks: `torch.compile` compiles a ResNet-18 three times with it, not twice.
    """
    for layer in model.modules():
        if type(layer) is nn.Conv2d and _is_plain(layer):
            layer.__class__ = SingleOutputConv2d


class SingleOutputConv2d(nn.Conv2d):
    """A convolution that is a matrix product where its output is a single pixel, and a convolution elsewhere."""

    def forward(self, images: Tensor) -> Tensor:
        """The convolution of images, (batch, channels, height, width), or of one."""
        above, left = padding = cast(tuple[int, int], self.padding)  # words are not made products (`_is_plain`)
        axes = list(zip(images.shape[-2:], self.kernel_size, self.stride, padding, strict=True))
        if images.dim() != 4 or not all(starmap(_is_single, axes)):
            return super().forward(images)
        rows, columns = (min(size, kernel - before) for size, kernel, _, before in axes)
        seen = images[:, :, :rows, :columns].permute(0, 2, 3, 1).flatten(1)
        taps = self.weight[:, :, above : above + rows, left : left + columns].permute(0, 2, 3, 1).flatten(1)
        return functional.linear(seen, taps, self.bias)[:, :, None, None]


def _is_plain(layer: nn.Conv2d) -> bool:
    return (
        layer.groups == 1
        and layer.dilation == (1, 1)
        and layer.padding_mode == "zeros"
        and not isinstance(layer.padding, str)
    )


def _is_single(size: int, kernel: int, stride: int, padding: int) -> bool:
    """Whether a convolution has one output along an axis, and sees the first pixel there."""
    return padding < kernel <= size + 2 * padding < kernel + stride
