"""Networks of other makers: torchvision's and timm's by name, or what a function of one's own returns."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from deepnet.house.packages import TIMM, need
from deepnet.networks.features import last_linear
from deepnet.networks.modes import evaluating
from simulate.house import checks
from simulate.house.counting import counted
from simulate.house.discovery import most_like

__all__ = ["HeadPlace", "check_factory", "made_by", "parted"]


class HeadPlace(nn.Identity):
    """Stands in a body where its maker has the linear head, so that weights can have their maker's names."""


def check_factory(factory: object) -> None:
    """Require a word that names who makes a network.

    Raises:
        ValueError: if it is none.
    """
    maker, colon, name = factory.partition(":") if isinstance(factory, str) else ("", "", "")
    if factory != "" and not (maker and colon and name and ":" not in name):
        checks.fail("factory", 'be "torchvision:NAME", "timm:NAME" or "package.module:function"', factory)


def made_by(
    factory: str, *, n_classes: int, channels: int, image_size: tuple[int, int] | None = None
) -> tuple[nn.Module, nn.Linear]:
    """The body and the head of a network with fresh weights.

    Args:
        factory: "torchvision:NAME" or "timm:NAME" for a network of these; "package.module:function" for a function that
            is called with `n_classes` and `channels` and returns a module from images (b, C, H, W) to logits (b, K).
        n_classes: Number of logits K.
        channels: Channels C of the images.
        image_size: Their height and width, if they are known: then the network is shown one, to see what ends it.

    Raises:
        ValueError: if there is no such network or function, or if it ends in no linear layer of K outputs.
        ModuleNotFoundError: if the package is not installed.
    """
    check_factory(factory)
    maker, _, name = factory.partition(":")
    make = {"torchvision": _of_torchvision, "timm": _of_timm}.get(maker) or _of_function(maker)
    network = make(name, n_classes=n_classes, channels=channels)
    if not isinstance(network, nn.Module):
        raise ValueError(f"Argument `factory` must return a module, but {factory} returns a {type(network).__name__}.")
    return parted(network, factory, n_classes, None if image_size is None else _image(channels, *image_size))


def parted(
    network: nn.Module, factory: str, n_classes: int, sample: Tensor | None = None
) -> tuple[nn.Module, nn.Linear]:
    """A network without its last linear layer, and that layer.

    Args:
        network: The network; the linear layer that is called last makes the logits.
        factory: What made it, for errors.
        n_classes: Number of logits.
        sample: A batch of one image, to see which layer that is; None takes the one that is registered last.

    Raises:
        ValueError: if there is no such layer, if it makes another number of logits, or if something comes after it.
    """
    said = None if sample is None else _said(network, sample)
    last = _last_registered(network) if said is None or sample is None else last_linear(network, sample)
    if not last:
        raise ValueError(f"Argument `factory` must make a network that ends in a linear layer, but {factory} does not.")
    place, _, name = last.rpartition(".")
    owner: Any = network.get_submodule(place)
    head = getattr(owner, name)
    if head.out_features != n_classes:
        raise ValueError(
            f"Argument `factory` must make a network of {n_classes} logits, but the last linear layer of {factory} "
            f"makes {head.out_features}."
        )
    setattr(owner, name, HeadPlace())
    if said is not None and sample is not None and not _say_the_same(network, head, sample, said):
        ends = "ends in a linear layer, but"
        raise ValueError(f"Argument `factory` must make a network that {ends} {factory} does something after it.")
    return network, head


def _image(channels: int, height: int, width: int) -> Tensor:
    """A normalised image of which no two values are alike, as a batch of one."""
    return torch.linspace(-2, 2, channels * height * width).view(1, channels, height, width)


def _last_registered(network: nn.Module) -> str | None:
    """The linear layer that is registered last."""
    return next(reversed([name for name, layer in network.named_modules() if isinstance(layer, nn.Linear)]), None)


def _said(network: nn.Module, x: Tensor) -> Tensor | None:
    """What a network says of a batch, as for testing; None if that is no tensor, or it takes no such batch.

    Whoever trains it is told why, with its own words.
    """
    try:
        with torch.no_grad(), evaluating(network):
            found = network(x)
    except (RuntimeError, TypeError, ValueError, AttributeError, IndexError):
        return None
    return found if isinstance(found, Tensor) else None


def _say_the_same(body: nn.Module, head: nn.Linear, x: Tensor, said: Tensor) -> bool:
    """Whether body and head say what the whole network said."""
    hidden = _said(body, x)
    parts = None if hidden is None else _said(head, hidden)
    return parts is not None and parts.shape == said.shape and torch.allclose(parts, said, atol=1e-4, equal_nan=True)


def _of_torchvision(name: str, *, n_classes: int, channels: int) -> nn.Module:
    from torchvision import models

    _check_known(name, models.list_models(models), "torchvision")
    if channels != 3:
        checks.fail("factory", f"be another than torchvision's for images of {counted(channels, 'channel')}", name)
    found: nn.Module = models.get_model(name, weights=None, num_classes=n_classes)
    return found


def _of_timm(name: str, *, n_classes: int, channels: int) -> nn.Module:
    need(TIMM, f"The network {name}")
    import timm

    _check_known(name, timm.list_models(), "timm")
    found: nn.Module = timm.create_model(name, pretrained=False, num_classes=n_classes, in_chans=channels)
    return found


def _of_function(module: str) -> Callable[..., Any]:
    """What calls a function of a module by its name."""

    def make(name: str, **known: int) -> Any:
        try:
            function = getattr(import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise ValueError(
                f"Argument `factory` must name a function, but {module}:{name} is none ({error})."
            ) from None
        return function(**known)

    return make


def _check_known(name: str, known: list[str], package: str) -> None:
    if name not in known:
        hint = most_like(name, known)
        raise ValueError(f"Argument `factory` must name a network of {package}, which has no {name!r}; {hint}.")
