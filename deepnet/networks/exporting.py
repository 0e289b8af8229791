"""A network as a file that is of use elsewhere, and such files as networks again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from os import PathLike
from pathlib import Path
from typing import Any, get_args

import torch
from torch import Tensor, nn

from deepnet.house.fields import of_type
from deepnet.house.identity import as_json
from deepnet.networks import weights
from deepnet.networks.architectures import Architecture, ModelConfig
from deepnet.networks.checkpoints import ABOUT, Checkpoint, fill, names_outside, read_checkpoint
from deepnet.networks.models import Network, build
from deepnet.networks.modes import evaluating
from simulate.house import checks
from simulate.house.files import check_files, in_one_move
from simulate.house.version import __version__

__all__ = ["config_of", "export", "open_network", "opened"]

_SUFFIXES = (".safetensors", ".pt", ".pth", ".pt2")
_FORMAT = 1
"""Changes when what `about` says would have to be read in another way."""
_MAKERS = ("torchvision", "timm")
"""Whose networks a file may name by itself; any other function is called only if the caller names it, too."""


def export(
    model: nn.Module,
    path: str | PathLike[str],
    *,
    architecture: str = "",
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
    class_names: Sequence[str] = (),
    sample: Tensor | None = None,
    about: Mapping[str, Any] | None = None,
) -> Path:
    """Write a network into a file that is of use without this package.

    Beside the weights it says, as JSON, which network they belong to and how images are normalised: in the metadata of
    safetensors, or as the entry "about" beside "state_dict" in a file of torch. Weights have the names that
    torchvision or timm give them, so that `load_state_dict` of their own network takes them; that wants normalised
    images, ((pixels / 255) - mean) / std.

    Args:
        model: The network. What `build` made, or the command line, knows all the rest.
        path: The file: `.safetensors`, or `.pt` or `.pth` of `torch.save`; or `.pt2`, a program of `torch.export`,
            which runs without any code of the network's and normalises by itself what the network normalises.
        architecture: What made it, for whom reads the file: "torchvision:NAME", "timm:NAME" or
            "package.module:function".
        mean: Mean of each channel by which its images are normalised, with pixels in [0, 1].
        std: Standard deviation of each channel, likewise.
        class_names: Names of the classes 0, 1, ...
        sample: For a program a batch of at least two samples; of what `build` made for images of a known size it is
            made up.
        about: More to be said, as JSON can hold it.

    Returns:
        The path.

    Raises:
        ValueError: if an argument is out of range, or a network cannot be made a program; the message names it.
        OSError: if the file cannot be written.
    """
    of_type("model", model, nn.Module)
    path = Path(path)
    if path.suffix not in _SUFFIXES:
        checks.fail("path", f"end in {', '.join(_SUFFIXES)}", str(path))
    check_files(path, name="path")
    for name, values in (("mean", mean), ("std", std)):
        for value in checks.listed(name, "have one entry a channel", values):
            checks.real(name, value, positive=name == "std")
    if len(mean) != len(std):
        raise ValueError(f"Argument `std` must have {len(mean)} entries as `mean` has, but has {len(std)}.")
    told = _described(model, architecture, mean, std) | {"class_names": list(class_names)} | dict(about or {})
    if path.suffix == ".pt2":
        return _write_program(model, path, sample, told)
    theirs = names_outside(model)
    state = {theirs[name]: value.detach().cpu().contiguous().clone() for name, value in model.state_dict().items()}
    if path.suffix == ".safetensors":
        weights.write(path, state, told)
        return path
    with in_one_move(path) as partial:
        torch.save({"state_dict": state, ABOUT: json.dumps(told)}, partial)
    return path


def open_network(path: str | PathLike[str], architecture: str = "") -> Network:
    """The network of a file that `export` wrote, or of any checkpoint whose architecture is told.

    Args:
        path: A file of safetensors or of torch.
        architecture: What makes the network: a name of ours, such as "resnet18", "torchvision:NAME", "timm:NAME" or
            "package.module:function". Left out, the file says it; a function of somebody's own it cannot name by
            itself, since calling it runs code.

    Returns:
        The network, in the mode for testing, on the CPU, for images of uint8, which it normalises as the file says.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it does not hold weights of this network, or does not say enough.
    """
    return opened(read_checkpoint(path, "path"), architecture and config_of(architecture))


def opened(
    checkpoint: Checkpoint,
    config: ModelConfig | str = "",
    *,
    called: tuple[str, str] = ("path", "architecture"),
    **known: Any,
) -> Network:
    """The network of a checkpoint.

    Args:
        checkpoint: The checkpoint.
        config: Which network; nothing takes the word of the checkpoint.
        called: What errors call the file and the network.
        known: Of `n_classes`, `channels`, `image_size`, `mean` and `std` what shall hold, whatever the checkpoint says.

    Raises:
        ValueError: if nobody says which network it is, or its weights are of another.
    """
    about = dict(checkpoint.about) | {name: value for name, value in known.items() if value is not None}
    config = config if isinstance(config, ModelConfig) else _config_in(about, checkpoint.path)
    asked = ("n_classes", "channels", "mean", "std")
    missing = [name for name in asked if not about.get(name)]
    if missing:
        raise ValueError(
            f"Argument `{called[0]}` must be a file that says {missing[0]!r}, but {checkpoint.path} does not."
        )
    try:
        network = build(config, **{name: about[name] for name in asked}, image_size=about.get("image_size"), seed=0)
    except ValueError as error:
        raise ValueError(str(error).replace("`factory`", f"`{called[1]}`")) from error
    fill(network, checkpoint, called[0])
    return network.eval()


def config_of(word: str) -> ModelConfig:
    """Which network a word means: one of ours by its name, or what another maker makes.

    Raises:
        ValueError: if it is none of these.

    Example:
        >>> config_of("vit_mini").architecture, config_of("torchvision:mobilenet_v2").name
        ('vit_mini', 'torchvision:mobilenet_v2')
    """
    if not isinstance(word, str) or (":" not in word and word not in get_args(Architecture)):
        names = ", ".join(get_args(Architecture))
        checks.fail("architecture", f"be one of {names}, torchvision:NAME, timm:NAME or package.module:function", word)
    return ModelConfig(factory=word) if ":" in word else ModelConfig(architecture=word)  # type: ignore[arg-type]


def _described(model: nn.Module, architecture: str, mean: Sequence[float], std: Sequence[float]) -> dict[str, Any]:
    """What is known of a network."""
    found: dict[str, Any] = {"format": _FORMAT, "sharpmu": __version__, "mean": list(mean), "std": list(std)}
    if architecture:
        found["model"] = as_json(config_of(architecture))
        linear = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
        found |= {"n_classes": linear[-1].out_features} if linear else {}
        found |= {"channels": len(mean)} if mean else {}
    if not isinstance(model, Network):
        return found
    origin = model.origin
    for name in ("mean", "std"):
        used = [float(value) / 255 for value in getattr(model, name).flatten().cpu().double()]
        found[name] = found[name] or (used if origin is None else list(getattr(origin, name)))
    found |= {"n_classes": model.head.out_features, "channels": len(found["mean"])}
    if origin is not None:
        size = None if origin.image_size is None else list(origin.image_size)
        found |= {"model": as_json(origin.config), "image_size": size}
    return found


def _config_in(about: Mapping[str, Any], path: Path) -> ModelConfig:
    """The network that a file names, if that runs no code but torchvision's, timm's and ours."""
    told = about.get("model")
    if not isinstance(told, Mapping):
        raise ValueError(f"Argument `architecture` must be given, since {path} does not say which network it holds.")
    known = {item.name for item in fields(ModelConfig)}
    config = ModelConfig(**{name: value for name, value in told.items() if name in known})
    if config.factory and config.factory.partition(":")[0] not in _MAKERS:
        raise ValueError(
            f"Argument `architecture` must be given, since {path} names the function {config.factory}, and a file "
            "alone does not have code run."
        )
    return config


def _write_program(model: nn.Module, path: Path, sample: Tensor | None, told: Mapping[str, Any]) -> Path:
    """The network in the mode for testing as a program of torch, for batches of any size."""
    batch = _sample_for(model) if sample is None else sample
    of_type("sample", batch, Tensor)
    if batch.ndim < 2 or len(batch) < 2:
        raise ValueError(f"Argument `sample` must be a batch of at least two samples, but is {tuple(batch.shape)}.")
    try:
        with torch.no_grad(), evaluating(model):
            program = torch.export.export(model, (batch,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    except Exception as error:  # whatever torch's tracing raises of somebody's code
        reason = str(error).partition("\n")[0].rstrip(".")
        raise ValueError(f"Argument `model` must be one that `torch.export` can follow, but: {reason}.") from error
    with in_one_move(path) as partial, partial.open("wb") as file:
        torch.export.save(program, file, extra_files={ABOUT: json.dumps(told)})
    return path


def _sample_for(model: nn.Module) -> Tensor:
    origin = model.origin if isinstance(model, Network) else None
    if origin is None or origin.image_size is None:
        raise ValueError("Argument `sample` must be given for a program, a batch of samples, but is None.")
    device = next(model.parameters()).device
    return torch.zeros(2, origin.channels, *origin.image_size, dtype=torch.uint8, device=device)
