"""Where the features of any network are: what its last linear layer reads, or what a layer of a given name makes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from deepnet.house.fields import of_type
from deepnet.networks.modes import evaluating
from simulate.house import checks

__all__ = ["READ_BY", "features_noted", "last_linear", "linear_calls"]

READ_BY = "input:"
"""Before the name of a layer: its input, not its output."""


def last_linear(model: nn.Module, x: Tensor) -> str | None:
    """The name of the linear layer that is called last when a network reads a batch; None if none is called.

    Example:
        >>> last_linear(nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 3), nn.Dropout()), torch.zeros(1, 2))
        '2'
    """
    called = linear_calls(model, x)
    return called[-1] if called else None


def linear_calls(model: nn.Module, x: Tensor) -> list[str]:
    """The names of the linear layers that a network calls when it reads a batch, one for each call, in their order."""
    called: list[str] = []
    hooks = [
        layer.register_forward_hook(lambda layer, given, made, name=name: called.append(name))
        for name, layer in model.named_modules()
        if isinstance(layer, nn.Linear)
    ]
    try:
        with torch.no_grad(), evaluating(model):
            model(x)
    finally:
        for hook in hooks:
            hook.remove()
    return called


@contextmanager
def features_noted(model: nn.Module, where: str) -> Iterator[list[Tensor]]:
    """Within it, each forward pass of a network leaves its features in the list, (b, p), in the place of earlier ones.

    Args:
        model: The network.
        where: Name of a layer, whose output they are; with "input:" before it, what it reads. Of a layer that is called
            several times they are of the last call. All axes but the first are laid in one.

    Raises:
        ValueError: if the network has no such layer.
    """
    of_type("features", where, str)
    layers = dict(model.named_modules())
    name = where.removeprefix(READ_BY)
    if name not in layers:
        checks.fail("features", f'be the name of a layer of the network, such as "{next(reversed(layers))}"', where)
    noted: list[Tensor] = []

    def note(found: Any) -> None:
        if not isinstance(found, Tensor):
            checks.fail("features", "name a layer that reads or makes one tensor", where)
        noted[:] = [found.detach().flatten(1)]

    if where.startswith(READ_BY):
        hook = layers[name].register_forward_pre_hook(lambda layer, given: note(given[0] if given else None))
    else:
        hook = layers[name].register_forward_hook(lambda layer, given, made: note(made))
    try:
        yield noted
    finally:
        hook.remove()
