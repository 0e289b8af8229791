"""What produced a number: versions of the code and its parts, and the hardware."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib import metadata
from typing import Any

import torch

from simulate.house.version import __version__

__all__ = ["find_device", "hardware", "versions"]


@cache
def versions() -> dict[str, str]:
    """Versions of this project, of Python and of the packages whose numbers enter results."""
    packages = ("torch", "torchvision", "numpy", "scikit-learn", "POT", "curvlinops-for-pytorch", "umap-learn")
    return {"sharpmu": __version__, "python": platform.python_version()} | {
        package: metadata.version(package) for package in packages
    }


def hardware(device: torch.device) -> dict[str, Any]:
    """The processor a training ran on."""
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return {"device": properties.name, "memory": properties.total_memory, "processes": _processes()}
    name = platform.processor() or platform.machine()
    return {"device": name, "cores": os.cpu_count(), "threads": torch.get_num_threads(), "processes": _processes()}


def _processes() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))


def find_device(name: str) -> torch.device:
    """The device a user asked for.

    Args:
        name: "cpu", "cuda", "cuda:1", "mps"; or "auto", the first CUDA device where there is one, else the CPU.

    Raises:
        ValueError: if it is not a device, or this machine does not have it.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise ValueError(
            f"Argument `device` must be one that this machine has, but {name!r} is not: {reason}."
        ) from None
    return device
