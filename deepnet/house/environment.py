"""What produced a number: versions of the code and its parts, and the hardware."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib import metadata
from typing import Any

import torch

from deepnet.house.packages import CURVLINOPS, POT, TIMM, UMAP, is_installed
from simulate.house.records.processor import processor_name
from simulate.house.version import __version__

__all__ = ["ABSENT", "find_device", "hardware", "local_processes", "versions"]


ABSENT = "not installed"
"""In the place of the version of a package that only some metrics need."""


@cache
def versions() -> dict[str, str]:
    """Versions of this project, of Python and of the packages whose numbers enter results."""
    packages = ["torch", "torchvision", "numpy", "scikit-learn", POT, CURVLINOPS, UMAP]
    packages += [TIMM] if is_installed(TIMM) else []  # rows of most studies have never heard of it
    return {"sharpmu": __version__, "python": platform.python_version()} | {
        package: _version(package) for package in packages
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ABSENT


def hardware(device: torch.device) -> dict[str, Any]:
    """The processor a training ran on."""
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return {"device": properties.name, "memory": properties.total_memory, "processes": _processes()}
    return {
        "device": processor_name(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "processes": _processes(),
    }


def _processes() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))


def find_device(name: str) -> torch.device:
    """The device a user asked for; a CUDA device becomes the one that this process means when it names none.

    Args:
        name: "cpu", "cuda", "cuda:1", "mps"; or "auto", a CUDA device where there is one, else the CPU. Processes that
            torchrun started on one machine take its CUDA devices in turn, each its own, unless a number is given.

    Raises:
        ValueError: if it is not a device, or this machine does not have it.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = _of_this_process(torch.device(name))
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise ValueError(
            f"Argument `device` must be one that this machine has, but {name!r} is not: {reason}."
        ) from None
    if device.type == "cuda" and device.index is not None:
        torch.cuda.set_device(device)
    return device


def _of_this_process(device: torch.device) -> torch.device:
    """A device, if it is CUDA's and has no number that of this process among those that torchrun started here."""
    number, cards = os.environ.get("LOCAL_RANK", ""), torch.cuda.device_count() if device.type == "cuda" else 0
    if device.index is not None or not cards or not number.isdigit():
        return device
    return torch.device("cuda", int(number) % cards)


def local_processes() -> int:
    """Number of processes that torchrun started on this machine; 1 without it."""
    number = os.environ.get("LOCAL_WORLD_SIZE", "")
    return max(int(number), 1) if number.isdigit() else 1
