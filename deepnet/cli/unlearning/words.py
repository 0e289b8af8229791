"""What is said in a word on the command line: a method with its settings, a network, sharpness, when to stop."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, get_args

from deepnet.house.packages import installing, is_installed
from deepnet.learning.sharpness import Sharpness, asam, sam, sgd
from deepnet.methods import METHODS, Method
from deepnet.networks.architectures import PACKAGES, Architecture, ModelConfig
from deepnet.networks.exporting import config_of
from deepnet.own.stopping import REFERENCE, Until
from simulate.house import checks
from simulate.house.discovery import most_like

__all__ = ["method_of", "model_of", "sharpness_of", "until_of"]

_SHARPNESS = {"sgd": sgd, "sam": sam, "asam": asam}
_STOPS = {"forget-loss": "forget_loss", "forget-accuracy": "forget_accuracy"}


def method_of(word: str) -> Method:
    """A method by its name, with settings behind a colon.

    Raises:
        ValueError: if there is no such method or setting, or its value is out of range.

    Example:
        >>> method_of("neggrad:alpha=0.9").alpha
        0.9
    """
    name, _, settings = word.partition(":")
    if name not in METHODS:
        raise ValueError(f"Argument `method` must be one of ours, but is {name!r}; {most_like(name, list(METHODS))}.")
    return _made(METHODS[name], "method", name, settings)


def model_of(word: str) -> ModelConfig:
    """A network: one of ours, with settings behind a colon, or one of another maker.

    Raises:
        ValueError: if there is none, or a setting is out of range.

    Example:
        >>> model_of("convnet:width=8").width, model_of("torchvision:resnet18").name
        (8, 'torchvision:resnet18')
    """
    name, _, settings = word.partition(":")
    origin = PACKAGES.get(name)
    if origin is not None and not is_installed(origin):
        need = f"be another than {word}, or the package {origin} be installed, but it is not"
        raise ValueError(f"Argument `model` must {need}; {installing(origin)} does that.")
    if name in get_args(Architecture):
        return _made(ModelConfig, "model", name, settings, architecture=name)
    try:
        return config_of(word)
    except ValueError as error:
        raise ValueError(str(error).replace("`architecture`", "`model`").replace("`factory`", "`model`")) from None


def sharpness_of(word: str) -> Sharpness:
    """How an optimizer treats sharpness: "sgd", or "sam" or "asam" with a radius behind a colon.

    Raises:
        ValueError: if it is none of these.

    Example:
        >>> sharpness_of("asam:0.5").label, sharpness_of("sgd").label
        ('asam-0.5', 'sgd')
    """
    name, colon, radius = word.partition(":")
    try:
        given = [float(radius)] if colon else []
        return _SHARPNESS[name](*given)
    except (KeyError, TypeError, ValueError):
        checks.fail("sharpness", "be sgd, sam:RADIUS or asam:RADIUS, with a radius of at least 0", word)


def until_of(words: Sequence[str]) -> Until | None:
    """When to stop: "forget-loss" or "forget-accuracy", with a bound behind a colon, or else that of the reference.

    Raises:
        ValueError: if it is none of these.

    Example:
        >>> until_of(["forget-loss", "forget-accuracy:0.5"])
        Until(forget_loss='reference', forget_accuracy=0.5, patience=None)
    """
    bounds: dict[str, Any] = {}
    for word in words:
        name, colon, bound = word.partition(":")
        try:
            found: Any = float(bound) if colon else REFERENCE
            bounds[_STOPS[name]] = found
            Until(**bounds)
        except (KeyError, ValueError):
            checks.fail("until", "be forget-loss or forget-accuracy, each with or without :BOUND", word)
    return Until(**bounds) if bounds else None


def _made(cls: type, argument: str, name: str, settings: str, **known: Any) -> Any:
    """An instance of a dataclass with settings such as "alpha=0.9,fraction=0.2"."""
    there = [item.name for item in fields(cls) if item.name not in known]
    values: dict[str, Any] = {}
    for setting in filter(None, settings.split(",")):
        key, equals, value = setting.partition("=")
        if key not in there or not equals:
            usual = f"settings of {name} ({', '.join(there)})" if there else f"no settings, as {name} has none"
            checks.fail(argument, f"have {usual}, each as NAME=VALUE", setting)
        values[key] = _value(value)
    try:
        return cls(**known, **values)
    except ValueError as error:
        told = str(error).removeprefix("Argument ")
        raise ValueError(f"Argument `{argument}` has a setting that it must not have: {told}") from None


def _value(text: str) -> Any:
    """A number, True, False or None where a text is one; else the text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
