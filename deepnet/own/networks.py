"""A network of one's own: what is asked of it, where it computes, whether others are of its kind."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from deepnet.data.images import Images
from deepnet.house.environment import find_device
from deepnet.house.fields import of_type
from deepnet.house.seeding import generator
from deepnet.networks.modes import evaluating
from simulate.house import checks
from simulate.house.counting import counted

__all__ = ["check_labels", "classes_of", "copied", "device_for", "placed", "same_logits", "seeded"]


def device_for(model: nn.Module, device: str | torch.device) -> torch.device:
    """Where a network shall compute: as asked; for "auto" where it is, or, if that is the CPU, a CUDA device if any.

    Raises:
        ValueError: if this machine has no such device, or the network lies on several.
    """
    places = {weight.device for weight in [*model.parameters(), *model.buffers()]}
    if len(places) > 1:
        checks.fail("model", "lie on one device", sorted(map(str, places)))
    if str(device) == "auto" and places and next(iter(places)).type != "cpu":
        return places.pop()
    return find_device(str(device))


@contextmanager
def placed(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Within it a network lies on a device; afterwards it is where it was, with the same parameters."""
    home = next((weight.device for weight in model.parameters()), device)
    if home == device:
        yield
        return
    model.to(device)
    try:
        yield
    finally:
        model.to(home)


@contextmanager
def seeded(device: torch.device, seed: int) -> Iterator[None]:
    """Within it torch draws (dropout, new weights) from a seed; afterwards its generators are as they were."""
    cards = [device] if device.type == "cuda" else []
    seed = int(generator(seed, "own").integers(2**62))
    with torch.random.fork_rng(devices=cards):
        torch.default_generator.manual_seed(seed)
        if cards:
            torch.cuda.manual_seed(seed)
        yield


def copied(model: nn.Module) -> nn.Module:
    """A copy of a network with weights of its own.

    Raises:
        ValueError: if it cannot be copied.
    """
    need = "Argument `model` must be one that can be copied, or `in_place`, but"
    try:
        found = copy.deepcopy(model)
    except (RuntimeError, TypeError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise ValueError(f"{need}: {reason}.") from error
    if not all(weight.is_leaf for weight in found.parameters()):
        raise ValueError(f"{need} a copy of {type(model).__name__} has weights that cannot be trained.")
    return found


def classes_of(name: str, model: Any, samples: Images) -> int:
    """The number of classes that a network has logits for, found by two samples or, if there is but one, by that.

    Args:
        name: Name of the argument, for messages.
        model: The network, on the device of the samples; lazy layers are built.
        samples: What it reads.

    Raises:
        ValueError: if it is no network, has a weight that is NaN or infinite, or makes no logits of the samples.
    """
    of_type(name, model, nn.Module)
    _check_finite(name, model)
    rows = torch.arange(min(len(samples), 2))
    (x,) = samples.batches([(rows, None)])
    kind = f"{str(x.dtype).removeprefix('torch.')} of the shape {tuple(x.shape)}"
    need = f"Argument `{name}` must turn a batch, {kind}, into logits, ({len(rows)}, K) with K of at least 2, but"
    try:
        with torch.no_grad(), evaluating(model):
            logits = model(x)
    except Exception as error:  # whatever somebody else's network raises of samples that it does not read
        reason = str(error).partition("\n")[0].rstrip(".")
        raise ValueError(f"{need} raises {type(error).__name__}: {reason}.") from error
    if not isinstance(logits, Tensor):
        raise ValueError(f"{need} gives something of the type {type(logits).__name__}.")
    if logits.ndim != 2 or len(logits) != len(rows) or logits.shape[1] < 2 or not logits.is_floating_point():
        raise ValueError(f"{need} gives {str(logits.dtype).removeprefix('torch.')} of {tuple(logits.shape)}.")
    return int(logits.shape[1])


def _check_finite(name: str, model: nn.Module) -> None:
    for key, weight in model.named_parameters():
        if not is_lazy(weight) and not bool(weight.detach().isfinite().all()):
            raise ValueError(f"Argument `{name}` must have finite weights, but {key} holds NaN or infinity.")


def check_labels(name: str, labels: Tensor, n_classes: int) -> None:
    """Require labels that a network has logits for.

    Raises:
        ValueError: if one is no class; the message names the argument.
    """
    wrong = labels[(labels < 0) | (labels >= n_classes)]
    if len(wrong):
        raise ValueError(
            f"Argument `{name}` must have labels in 0..{n_classes - 1}, as the model has {n_classes} logits, but has "
            f"{int(wrong[0])}."
        )


def same_logits(name: str, other: Any, model: nn.Module, samples: Images) -> None:
    """Require that a network is one of the same shape as another: in its logits, and in each of its weights.

    Raises:
        ValueError: if it is not; the message names the argument and the first weight that differs.
    """
    theirs, mine = classes_of(name, other, samples), classes_of("model", model, samples)
    like = "as the first one has" if name == "model" else "as `model` has"
    if theirs != mine:
        raise ValueError(f"Argument `{name}` must have {mine} logits {like}, but has {theirs}.")
    shapes = [[(key, tuple(weight.shape)) for key, weight in net.named_parameters()] for net in (model, other)]
    for (key, wanted), (_, found) in zip(*shapes, strict=False):
        if wanted != found:
            raise ValueError(f"Argument `{name}` must have weights {like}, {wanted} at {key}, but has {found}.")
    if len(shapes[0]) != len(shapes[1]):
        counts = f"{counted(len(shapes[0]), 'tensor')} of weights {like}, but has {len(shapes[1])}"
        raise ValueError(f"Argument `{name}` must have {counts}.")
