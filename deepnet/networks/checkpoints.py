"""Files of weights, this package's and others': read as tensors and nothing else, and given to a network they fit.

A safetensors file cannot hold anything else. Files of torch are read with `weights_only`, so that no pickle is ever
executed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from deepnet.house.fields import of_type
from deepnet.networks import weights
from deepnet.networks.factories import HeadPlace
from deepnet.networks.models import Network
from simulate.house.counting import counted
from simulate.house.files import parse_json, require_file

__all__ = ["ABOUT", "Checkpoint", "fill", "load_checkpoint", "names_outside", "read_checkpoint"]

ABOUT = "about"
"""Under this name a file of torch has, beside its weights, what `export` tells of them."""
_WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "network")
"""Under which names trainings keep the weights, beside those of optimizers and the like."""
_PREFIXES = ("module.", "_orig_mod.", "model.")
"""What wrappers such as DataParallel, `torch.compile` and Lightning put before each name."""
_COUNTERS = "num_batches_tracked"
"""Which batch normalisation can do without, and of old files has to."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Checkpoint:
    """What a file of weights holds."""

    path: Path
    """The file."""
    tensors: Mapping[str, Tensor]
    """The weights and buffers by name, on the CPU."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """What `export` told of them; of other files nothing."""


def load_checkpoint(model: nn.Module, path: str | PathLike[str]) -> nn.Module:
    """Give a network the weights of a file.

    The file may be of safetensors, or one that `torch.save` wrote, in which only tensors and plain containers are read:
    a state_dict, alone or as the entry "state_dict", "model_state_dict", "model", "net" or "network" of a dict. The
    prefixes that DataParallel, `torch.compile` and Lightning put before names are taken away. A `deepnet.Network` also
    takes the names that torchvision or timm have for its body and head.

    Args:
        model: The network, on any device.
        path: The file.

    Returns:
        The same network, its modes unchanged.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it holds something else, or not the weights of this network: names that are missing or too many,
            other shapes, NaN or infinity. The network is then as it was.
    """
    of_type("model", model, nn.Module)
    fill(model, read_checkpoint(path))
    return model


def read_checkpoint(path: str | PathLike[str], argument: str = "checkpoint") -> Checkpoint:
    """The tensors of a file, whatever network they belong to.

    Args:
        path: The file.
        argument: What errors call it.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it holds something else.
        OSError: if it cannot be read.
    """
    path = Path(path)
    require_file(path, "The checkpoint")
    if path.suffix == ".safetensors":
        try:
            tensors, about = weights.read(path)
        except ValueError as error:
            raise ValueError(f"Argument `{argument}` must be a file of weights, but: {error}") from error
    else:
        found = _read_by_torch(path, argument)
        tensors, about = _unwrapped(found, path, argument), _told(found)
    return Checkpoint(path=path, tensors=tensors, about=about)


def fill(model: nn.Module, checkpoint: Checkpoint, argument: str = "checkpoint") -> None:
    """Give a network the weights of a checkpoint, all of them or none.

    Raises:
        ValueError: if they are not those of this network; the message names the argument, the file and the weight.
    """
    mine = model.state_dict()
    given = _renamed(checkpoint.tensors, model)
    _check_names(mine, given, checkpoint.path, argument)
    for name, tensor in given.items():
        found, wanted = tuple(tensor.shape), tuple(mine[name].shape)
        if found != wanted:
            shapes = f"{name} has the shape {found} in {checkpoint.path} and {wanted} in the network"
            raise ValueError(f"Argument `{argument}` must hold weights of the shapes of this network, but {shapes}.")
        if not bool(tensor.isfinite().all()):
            raise ValueError(
                f"Argument `{argument}` must hold finite weights, but {name} in {checkpoint.path} holds NaN or "
                "infinity."
            )
    model.load_state_dict(dict(mine) | given)


def names_outside(model: nn.Module) -> dict[str, str]:
    """What the maker of a network calls its weights and buffers, by their names here.

    They differ for a `deepnet.Network` of torchvision or timm, whose head was taken out of its place.
    """
    names = list(model.state_dict())
    layers = model.body.named_modules() if isinstance(model, Network) else ()
    place = next((name for name, layer in layers if isinstance(layer, HeadPlace)), None)
    if place is None:
        return {name: name for name in names}
    parts = {name: name.partition(".")[::2] for name in names}
    return {name: f"{place}.{rest}" if part == "head" else rest for name, (part, rest) in parts.items()}


def _read_by_torch(path: Path, argument: str) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # whatever torch's reader says of bytes that it does not take for tensors
        raise ValueError(
            f"Argument `{argument}` must be a file of weights, safetensors or a state_dict that torch saved, but "
            f"{path} is damaged or holds other objects, which are not opened, since they could run code."
        ) from error


def _unwrapped(found: Any, path: Path, argument: str) -> dict[str, Tensor]:
    """The state_dict in what a file holds."""
    while isinstance(found, Mapping) and not _is_state(found):
        inner = [found[name] for name in _WRAPPERS if isinstance(found.get(name), Mapping)]
        if not inner:
            keys = ", ".join(map(repr, list(found)[:5])) or "nothing"
            _refuse(argument, f"{path} is a dict of {keys}")
        found = inner[0]
    if not isinstance(found, Mapping):
        _refuse(argument, f"{path} holds something of the type {type(found).__name__}")
    return dict(found)


def _refuse(argument: str, found: str) -> NoReturn:
    names = ", ".join(f'"{name}"' for name in _WRAPPERS)
    raise ValueError(
        f"Argument `{argument}` must hold a state_dict, by itself or as an entry {names} of a dict, but {found}."
    )


def _is_state(found: Mapping[Any, Any]) -> bool:
    return bool(found) and all(isinstance(key, str) and isinstance(one, Tensor) for key, one in found.items())


def _told(found: Any) -> dict[str, Any]:
    """What `export` told; nothing where that is no text of ours."""
    text = found.get(ABOUT) if isinstance(found, Mapping) else None
    try:
        return dict(parse_json(text)) if isinstance(text, str) else {}
    except (ValueError, TypeError):
        return {}


def _renamed(tensors: Mapping[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """Tensors under the names of a network: with or without prefixes, as they are or as its maker names them."""
    theirs = {outside: name for name, outside in names_outside(model).items()}
    mine = set(theirs.values())
    found = [dict(tensors)]
    while (shorter := _without_prefix(found[-1])) is not None:
        found.append(shorter)
    ways = [way for one in found for way in (one, {theirs.get(name, name): value for name, value in one.items()})]
    return max(ways, key=lambda way: len(mine & set(way)))


def _without_prefix(tensors: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
    """The tensors without a prefix that all of them have; None if there is none."""
    shared = (prefix for prefix in _PREFIXES if tensors and all(name.startswith(prefix) for name in tensors))
    prefix = next(shared, None)
    return None if prefix is None else {name.removeprefix(prefix): value for name, value in tensors.items()}


def _check_names(mine: Iterable[str], given: Iterable[str], path: Path, argument: str) -> None:
    missing = [name for name in mine if name not in set(given) and not name.endswith(_COUNTERS)]
    unknown = [name for name in given if name not in set(mine)]
    told = [f"{words} {_few(names)}" for words, names in (("lacks", missing), ("also holds", unknown)) if names]
    if told:
        raise ValueError(
            f"Argument `{argument}` must hold the weights of this network, but {path} {' and '.join(told)}."
        )


def _few(names: list[str]) -> str:
    more = f" and {counted(len(names) - 3, 'other')}" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
