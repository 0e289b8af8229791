"""Batch normalisation whose running statistics can be left alone, and whose batch may be spread over processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm, _NormBase
from torch.nn.modules.instancenorm import _InstanceNorm
from torch.nn.modules.lazy import LazyModuleMixin

from deepnet.house.parallel import sum_across_ranks, world_size

__all__ = ["BatchNorm", "frozen_statistics", "keeps_statistics"]

_RUNNING = ("running_", "num_batches_tracked")
"""How the names of running statistics begin, in torch and in what follows its habits."""


class BatchNorm(nn.BatchNorm2d):
    """Batch normalisation with a switch for its running statistics.

    In training it always normalises by the statistics of the batch (the global one, if processes share it; torch's
    SyncBatchNorm does that on CUDA devices only). With `updates_statistics` off, it leaves the running averages alone:
    for the second pass of SAM, and for batches of samples that are to be forgotten. The switch is a plain bool of the
    layer's own (and not at first of its class), so that a compiled network holds two graphs for training and no more.
    """

    momentum: float
    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.updates_statistics = True

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images, of the same shape (b, C, H, W)."""
        if self.training and world_size() > 1:
            return self._across_ranks(images)
        if self.training and not self.updates_statistics:
            return functional.batch_norm(images, None, None, self.weight, self.bias, True, 0.0, self.eps)
        return super().forward(images)

    def _across_ranks(self, images: Tensor) -> Tensor:
        """As one process would normalise the union of the batches, in at least single precision."""
        x = images if images.dtype == torch.float64 else images.float()
        axes, shape = (0, 2, 3), (1, -1, 1, 1)
        count = sum_across_ranks(torch.full((1,), x.numel() // x.shape[1], dtype=x.dtype, device=x.device))
        mean = sum_across_ranks(x.sum(axes)) / count
        centred = x - mean.view(shape)
        variance = sum_across_ranks(centred.square().sum(axes)) / count
        if self.updates_statistics:
            self._update_statistics(mean.detach(), variance.detach() * count / (count - 1))
        scaled = centred * (variance + self.eps).rsqrt().view(shape)
        return (scaled * self.weight.view(shape) + self.bias.view(shape)).to(images.dtype)

    @torch.no_grad()
    def _update_statistics(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running averages towards the statistics of a batch, as torch does."""
        for buffer, value in ((self.running_mean, mean), (self.running_var, variance)):
            buffer.lerp_(value.to(buffer.dtype), self.momentum)
        self.num_batches_tracked.add_(1)


@contextmanager
def frozen_statistics(model: nn.Module, frozen: bool = True) -> Iterator[None]:
    """Within it, no batch changes the running statistics of a model's normalisation.

    That of this package, torch's BatchNorm of one to three dimensions and SyncBatchNorm, its InstanceNorm where that
    tracks statistics, and any other layer whose buffers are named as theirs. In training all of them go on normalising
    by the statistics of the batch.

    Args:
        model: The model.
        frozen: False does nothing, as the released code does with batches that are to be forgotten.

    Raises:
        ValueError: if a layer is lazy and has seen no batch yet.
    """
    switches = [(layer, *switch) for layer in model.modules() if frozen for switch in _switches(layer)]
    before = [getattr(layer, name) for layer, name, _ in switches]
    for layer, name, value in switches:
        setattr(layer, name, value)
    try:
        yield
    finally:
        for (layer, name, _), value in zip(switches, before, strict=True):
            setattr(layer, name, value)


def _switches(layer: nn.Module) -> list[tuple[str, Any]]:
    """The attributes by which a layer leaves its running statistics alone, with their values; none if it has none."""
    if isinstance(layer, BatchNorm):
        return [("updates_statistics", False)]
    if not isinstance(layer, _BatchNorm | _InstanceNorm):
        # How a layer of somebody else's moves them is not known: it moves copies, which are thrown away.
        return [(name, value.clone()) for name, value in _running(layer)]
    if isinstance(layer, LazyModuleMixin) and layer.has_uninitialized_params():
        raise ValueError("Argument `model` must have seen a batch, which builds its lazy layers, but has not.")
    if isinstance(layer, _BatchNorm):
        return [("track_running_stats", False)]
    if layer.running_mean is None or layer.running_var is None:
        return []
    # InstanceNorm that does not track would still move what it has. A momentum of 0 moves it by rounding alone, since
    # it is a mean over images that are all the same, and that goes into copies.
    copies: list[tuple[str, Any]] = [(name, getattr(layer, name).clone()) for name in ("running_mean", "running_var")]
    return [("momentum", 0.0), *copies]


def keeps_statistics(layer: nn.Module) -> bool:
    """Whether a layer normalises by batches in training, and may keep running statistics of them."""
    return isinstance(layer, _NormBase) or bool(_running(layer))


def _running(layer: nn.Module) -> list[tuple[str, Tensor]]:
    """The running statistics of a layer itself, by name."""
    found = layer.named_buffers(recurse=False)
    return [(name, value) for name, value in found if name.startswith(_RUNNING)]
