"""Networks of other makers: torchvision's and timm's by name, or what a function of one's own returns."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from torch import nn

from deepnet.house.packages import TIMM, need
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


def made_by(factory: str, *, n_classes: int, channels: int) -> tuple[nn.Module, nn.Linear]:
    """The body and the head of a network with fresh weights.

    Args:
        factory: "torchvision:NAME" or "timm:NAME" for a network of these; "package.module:function" for a function that
            is called with `n_classes` and `channels` and returns a module from images (b, C, H, W) to logits (b, K).
        n_classes: Number of logits K.
        channels: Channels C of the images.

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
    return parted(network, factory, n_classes)


def parted(network: nn.Module, factory: str, n_classes: int) -> tuple[nn.Module, nn.Linear]:
    """A network without its last linear layer, and that layer.

    Args:
        network: The network; the layer that is registered last among its linear ones makes the logits.
        factory: What made it, for errors.
        n_classes: Number of logits.

    Raises:
        ValueError: if there is no such layer, or it makes another number of logits.
    """
    linear = [name for name, layer in network.named_modules() if isinstance(layer, nn.Linear)]
    if not linear or not linear[-1]:
        raise ValueError(f"Argument `factory` must make a network that ends in a linear layer, but {factory} does not.")
    place, _, name = linear[-1].rpartition(".")
    owner: Any = network.get_submodule(place)
    head = getattr(owner, name)
    if head.out_features != n_classes:
        raise ValueError(
            f"Argument `factory` must make a network of {n_classes} logits, but the last linear layer of {factory} "
            f"makes {head.out_features}."
        )
    setattr(owner, name, HeadPlace())
    return network, head


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
