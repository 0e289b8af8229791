"""Number formats of a training: master weights stay in single precision, products may be made in less.

The perturbation of SAM is smaller than the spacing of bfloat16 at typical weights, so rounding buries it in noise
several times its size. float16 with a fixed loss scale keeps it (SAM's ε does not depend on the scale of the loss),
and so does TF32, whose mantissa is as long; bfloat16 is for SGD. "auto" is what suits the device: float16 on CUDA
devices, float32 elsewhere, since CPUs only emulate float16: a step of ResNet-18 takes some forty times as long.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Literal, get_args

import torch

__all__ = ["PRECISIONS", "Precision", "autocast", "half_type", "loss_scale", "matrix_products", "on_device"]

Precision = Literal["float32", "tf32", "float16", "bfloat16", "auto"]
"""In which format matrix products are computed; "auto" is settled by `on_device` before anything is computed."""
PRECISIONS = get_args(Precision)
"""All of them."""
_LOSS_SCALE = 1024.0
_HALVES = {"float32": None, "tf32": None, "float16": torch.float16, "bfloat16": torch.bfloat16}


def on_device(precision: Precision, device: torch.device) -> Precision:
    """What a precision is on a device: itself, or what "auto" stands for there.

    Example:
        >>> on_device("auto", torch.device("cuda")), on_device("auto", torch.device("cpu"))
        ('float16', 'float32')
    """
    if precision != "auto":
        return precision
    return "float16" if device.type == "cuda" else "float32"


def half_type(precision: Precision) -> torch.dtype | None:
    """The 16-bit type that products are made in; None if they are not.

    Raises:
        KeyError: for "auto", which must have been settled.
    """
    return _HALVES[precision]


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[None]:
    """Context of a forward pass."""
    half = half_type(precision)
    return nullcontext() if half is None else torch.autocast(device.type, dtype=half)


def loss_scale(precision: Precision) -> float:
    """Factor on the loss that keeps small gradients from vanishing in float16; a power of two, so exact."""
    return _LOSS_SCALE if precision == "float16" else 1.0


@contextmanager
def matrix_products(precision: Precision) -> Iterator[None]:
    """Within it, products and convolutions of float32 on CUDA devices are rounded to TF32 only where that was asked.

    torch has switches of two generations for that, and refuses to be asked by the older ones where the newer ones say
    something else or differ between layers, which its compiler and `torch.backends.cudnn.flags` stumble over: so both
    are set alike.
    """
    backends: Any = torch.backends
    switches = (*_of_cuda(), backends.mkldnn.matmul)
    before = [switch.fp32_precision for switch in switches]
    older = _asked_by_older_switches()
    with _quiet():
        backends.cuda.matmul.allow_tf32 = backends.cudnn.allow_tf32 = precision == "tf32"
    for switch in _of_cuda():
        switch.fp32_precision = "tf32" if precision == "tf32" else "ieee"
    try:
        yield
    finally:
        with _quiet():
            torch.set_float32_matmul_precision(older[0])  # which sets the CPU's, too
            backends.cudnn.allow_tf32 = older[1]
        for switch, value in zip(switches, before, strict=True):
            switch.fp32_precision = value


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the warnings that some versions of torch have of the older switches."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def _of_cuda() -> tuple[Any, ...]:
    """The newer switches of CUDA's libraries: products, convolutions, recurrent layers."""
    backends: Any = torch.backends
    return backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn


def _asked_by_older_switches() -> tuple[str, bool]:
    """What the older switches say: the precision of products, and whether convolutions are rounded.

    Where they refuse to say, it is something else than what the newer ones do.
    """
    products, convolutions, _ = (switch.fp32_precision == "tf32" for switch in _of_cuda())
    with _quiet():
        try:
            precision = torch.get_float32_matmul_precision()
        except RuntimeError:
            precision = "highest" if products else "high"
        try:
            rounded = bool(torch.backends.cudnn.allow_tf32)
        except RuntimeError:
            rounded = not convolutions
    return precision, rounded
