"""Tensors on disk: safetensors written in one move, and never anything that could run code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from simulate.house.files import in_one_move, parse_json

__all__ = ["load_model", "read", "write", "write_arrays"]


def write(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """Write tensors and a description that JSON can hold; the file appears whole or not at all.

    Raises:
        OSError: if the disk is full or the folder cannot be written.
    """
    flat = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        with in_one_move(path) as partial:
            save_file(flat, partial, metadata={"about": json.dumps(about)})
    except SafetensorError as error:
        raise OSError(f"{path} could not be written: {error}") from error


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays as npz, in a file that appears whole or not at all."""
    with in_one_move(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **dict(arrays))


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the description that `write` wrote.

    Raises:
        ValueError: if it is not a safetensors file (a pickled checkpoint, which could run code, is not opened), or
            its description is damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get("about", "{}")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(
            f"{path} is not a whole safetensors file ({error}). Pickled checkpoints are not opened, since they can "
            "run code: convert them with safetensors.torch.save_file."
        ) from error
    try:
        return tensors, dict(parse_json(text))
    except (ValueError, TypeError) as error:
        raise ValueError(f"The description in {path} is damaged ({error}).") from error


def load_model(model: nn.Module, tensors: Mapping[str, Tensor], source: object) -> None:
    """Give a model the weights of a checkpoint.

    Raises:
        ValueError: if names or shapes are not those of the model; the message names the source and the first that
            differs. The model is then as it was.
    """
    mine = model.state_dict()
    for name in [*mine, *tensors]:
        shapes = [tuple(found[name].shape) if name in found else None for found in (mine, tensors)]
        if shapes[0] != shapes[1]:
            raise ValueError(f"{source} is not of this model: {name} has shape {shapes[1]}, the model {shapes[0]}.")
    with torch.no_grad():
        model.load_state_dict(dict(tensors))
